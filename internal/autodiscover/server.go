package autodiscover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Lookup finds a mailbox. A nil Response means that there is none
// (ErrorNoMailbox); an *Error is answered as it is, any other as ErrorServer.
type Lookup func(ctx context.Context, r *Request) (*Response, error)

// Handler answers POX requests. Authenticating them is the caller's; Lookup finds
// the user in the context.
type Handler struct{ Lookup Lookup }

// errorID is the Id attribute of an Error element, which clients only log.
const errorID = "1"

// ServeHTTP answers one request. Errors of Autodiscover are HTTP status 200.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	response, err := h.answer(r)
	if err != nil {
		e := &Error{ErrorCode: ErrorServer}
		errors.As(err, &e)
		failure := *e
		if failure.Message == "" {
			failure.Message = errorMessages[failure.ErrorCode]
		}
		failure.Time, failure.ID = time.Now().UTC().Format("15:04:05.0000000"), errorID
		response = &Response{Error: &failure}
	}
	body, err := EncodeResponse(response)
	if err != nil {
		http.Error(w, "The answer can't be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentTypeXML)
	w.Header().Set("Cache-Control", "private")
	w.Write(body)
}

func (h *Handler) answer(r *http.Request) (*Response, error) {
	if r.Method != http.MethodPost {
		return nil, &Error{ErrorCode: ErrorInvalidRequest}
	}
	request, err := DecodeRequest(r.Body)
	switch {
	case err != nil, request.EMailAddress == "" && request.LegacyDN == "":
		return nil, &Error{ErrorCode: ErrorInvalidRequest}
	case request.AcceptableResponseSchema != ResponseSchema:
		return nil, &Error{ErrorCode: ErrorNoProvider}
	case request.EMailAddress != "" && !plausibleAddress(request.EMailAddress),
		request.LegacyDN != "" && !strings.HasPrefix(request.LegacyDN, "/"):
		return nil, &Error{ErrorCode: ErrorBadAddress}
	}
	response, err := h.Lookup(r.Context(), request)
	if err != nil {
		return nil, err
	}
	if response == nil {
		return nil, &Error{ErrorCode: ErrorNoMailbox}
	}
	return forClient(response, r.Header), nil
}

func plausibleAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && !strings.ContainsAny(domain, "@ ")
}

// forClient leaves out what a client didn't announce ([MS-OXDSCLI] 2.2.2): MAPI/HTTP, as other clients stumble over a
// Protocol without a Type; EXHTTP; and negotiate, for which it is told NTLM.
func forClient(r *Response, header http.Header) *Response {
	if r.Account == nil {
		return r
	}
	version, err := strconv.Atoi(header.Get(headerMapiHTTP))
	mapiHTTP := err == nil && version >= 1
	can := map[string]bool{}
	for _, value := range header.Values(headerCanHandle) {
		for word := range strings.SplitSeq(value, ",") {
			can[strings.ToLower(strings.TrimSpace(word))] = true
		}
	}
	account := *r.Account
	account.Protocol = nil
	for _, p := range r.Account.Protocol {
		if p.TypeAttr != "" && !mapiHTTP || p.Kind() == EXHTTP && !can[strings.ToLower(canExHTTP)] {
			continue
		}
		if strings.EqualFold(p.AuthPackage, AuthNegotiate) && !can[strings.ToLower(canNegotiate)] {
			p.AuthPackage = AuthNTLM
		}
		account.Protocol = append(account.Protocol, p)
	}
	return &Response{User: r.User, Account: &account, Error: r.Error, Other: r.Other}
}

// maxUsers limits the users of one SOAP request ([MS-OXWSADISC] leaves the limit to the server; Exchange's is 100).
const maxUsers = 100

// SOAPHandler answers GetUserSettings. Authenticating requests is the caller's.
type SOAPHandler struct {
	Lookup  Lookup
	Version ServerVersion
}

// ServeHTTP answers one request.
func (h *SOAPHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "POST is for requests", http.StatusMethodNotAllowed)
		return
	}
	status := http.StatusOK
	var body []byte
	answer, err := h.answer(r)
	if err == nil {
		body, err = EncodeUserSettingsResponse(answer, h.Version)
	} else {
		status = http.StatusInternalServerError // SOAP 1.1, 6.2
		body, err = encodeFault("The request can't be read.")
	}
	if err != nil {
		http.Error(w, "The answer can't be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentTypeXML)
	w.Header().Set("Cache-Control", "private")
	w.WriteHeader(status)
	w.Write(body)
}

// answer answers what is a request at all.
func (h *SOAPHandler) answer(r *http.Request) (*UserSettingsResponse, error) {
	request, err := DecodeUserSettingsRequest(r.Body)
	var refused *SOAPError
	switch {
	case errors.As(err, &refused):
	case err != nil:
		return nil, err
	case len(request.Mailboxes) == 0:
		refused = &SOAPError{SOAPInvalidRequest, "No user is named."}
	case len(request.Mailboxes) > maxUsers:
		refused = &SOAPError{SOAPInvalidRequest, fmt.Sprintf("More than %d users are named.", maxUsers)}
	}
	if refused != nil {
		return &UserSettingsResponse{ErrorCode: refused.Code, ErrorMessage: refused.Message}, nil
	}
	answer := &UserSettingsResponse{ErrorCode: SOAPNoError}
	for _, u := range request.Mailboxes {
		answer.Users = append(answer.Users, h.user(r.Context(), u.Mailbox, request.Settings))
	}
	return answer, nil
}

func (h *SOAPHandler) user(ctx context.Context, mailbox string, settings []string) UserSettingsUser {
	if !plausibleAddress(mailbox) {
		return UserSettingsUser{ErrorCode: SOAPInvalidUser, ErrorMessage: "The name isn't an SMTP address."}
	}
	response, err := h.Lookup(ctx, &Request{EMailAddress: mailbox, AcceptableResponseSchema: ResponseSchema})
	var failure *Error
	switch {
	case err != nil && !errors.As(err, &failure), err != nil && failure.ErrorCode == ErrorServer:
		return UserSettingsUser{ErrorCode: SOAPInternalServerError, ErrorMessage: errorMessages[ErrorServer]}
	case err != nil, response == nil, response.Account == nil:
		return UserSettingsUser{ErrorCode: SOAPInvalidUser, ErrorMessage: errorMessages[ErrorNoMailbox]}
	}
	switch a := response.Account; {
	case strings.EqualFold(a.Action, ActionRedirectAddr):
		return UserSettingsUser{ErrorCode: SOAPRedirectAddress, RedirectTarget: a.RedirectAddr}
	case strings.EqualFold(a.Action, ActionRedirectURL):
		return UserSettingsUser{ErrorCode: SOAPRedirectURL, RedirectTarget: a.RedirectURL}
	}
	u := UserSettingsUser{ErrorCode: SOAPNoError, ErrorMessage: "No error."}
	u.Settings, u.Errors = toSettings(response, settings)
	return u
}

// JSONHandler answers the JSON variant. It needs no authentication and so tells nothing about mailboxes: URL gives the
// URL of a protocol, which is the same for all; empty: the protocol isn't served.
type JSONHandler struct {
	URL func(r *http.Request, protocol string) string
}

// Protocols that clients of the JSON variant ask for. A server that doesn't serve one of them answers an empty URL.
var v2Protocols = []string{"ActiveSync", ProtocolV1, "Ews", "Rest"}

// ServeHTTP answers one request. Errors are HTTP status 200, as with POX.
func (h *JSONHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "GET is for requests", http.StatusMethodNotAllowed)
		return
	}
	body, err := json.Marshal(h.answer(r))
	if err != nil {
		http.Error(w, "The answer can't be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Write(body)
}

func (h *JSONHandler) answer(r *http.Request) *V2 {
	query := r.URL.Query()
	address, protocol := query.Get("Email"), query.Get("Protocol")
	if _, at, ok := strings.Cut(r.URL.Path, v2Version); ok {
		address = at
	}
	i := slices.IndexFunc(v2Protocols, func(p string) bool { return strings.EqualFold(p, protocol) })
	switch {
	case !plausibleAddress(address):
		return &V2{ErrorCode: V2MissingParameter, ErrorMessage: "A valid smtp address must be provided"}
	case protocol == "":
		return &V2{ErrorCode: V2MissingProtocol, ErrorMessage: "A protocol must be provided"}
	case i < 0:
		return &V2{ErrorCode: V2NotSupported, ErrorMessage: "The protocol isn't supported. Supported protocols are: " + strings.Join(v2Protocols, ",")}
	}
	return &V2{Protocol: v2Protocols[i], URL: h.URL(r, v2Protocols[i])}
}
