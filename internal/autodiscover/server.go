package autodiscover

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Handler answers POX requests. Authenticating them is the caller's; Lookup finds
// the user in the context.
type Handler struct {
	// Lookup finds a mailbox. A nil Response means that there is none
	// (ErrorNoMailbox); an *Error is answered as it is, any other as ErrorServer.
	Lookup func(ctx context.Context, r *Request) (*Response, error)
}

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
	if n, err := strconv.Atoi(r.Header.Get(headerMapiHTTP)); err != nil || n < 1 {
		response = withoutMapiHttp(response)
	}
	return response, nil
}

func plausibleAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && !strings.ContainsAny(domain, "@ ")
}

// withoutMapiHttp is the answer for a client that didn't announce MAPI/HTTP
// ([MS-OXDSCLI] 2.2.2.1): other clients stumble over a Protocol without a Type.
func withoutMapiHttp(r *Response) *Response {
	if r.Account == nil {
		return r
	}
	account := *r.Account
	account.Protocol = slices.DeleteFunc(slices.Clone(account.Protocol), func(p Protocol) bool { return p.TypeAttr != "" })
	return &Response{User: r.User, Account: &account, Error: r.Error, Other: r.Other}
}
