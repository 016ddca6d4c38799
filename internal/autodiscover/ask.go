package autodiscover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"
)

// Kinds of redirects.
const (
	viaHTTP    = "HTTP redirect"
	viaURL     = "redirectUrl"
	viaAddress = "redirectAddr"
	viaJSON    = "JSON"
)

// statuses after which no other endpoint is asked. Exchange Online is said to use them; no specification does.
var finalStatuses = map[int]string{456: "the account is locked", 457: "the password has expired"}

// reply is an HTTP response.
type reply struct {
	status     int
	location   *url.URL // where a redirect points; nil: it is none
	challenges []string // of a 401
	page       bool     // an HTML page
	body       []byte   // of status 200
	bodyErr    error
}

var (
	errNoConnection = fmt.Errorf("no connection within %v", connectTimeout)
	errWebPage      = errors.New("autodiscover: a web page answered")
)

// roundTrip sends a request and reads the answer, in bounded time and memory.
func (d *discovery) roundTrip(client *http.Client, req *http.Request) (*reply, error) {
	ctx, cancel := context.WithTimeout(d.ctx, attemptTimeout)
	defer cancel()
	ctx, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	connect := time.AfterFunc(connectTimeout, func() { abort(errNoConnection) })
	defer connect.Stop()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connect.Stop() }})
	res, err := client.Do(req.WithContext(ctx))
	if err != nil {
		if errors.Is(context.Cause(ctx), errNoConnection) {
			err = errNoConnection
		}
		return nil, &NetworkError{err}
	}
	connect.Stop()
	defer res.Body.Close()
	r := &reply{status: res.StatusCode, location: location(res), challenges: res.Header.Values("WWW-Authenticate")}
	t, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	r.page = t == "text/html"
	if res.StatusCode == http.StatusOK {
		r.body, r.bodyErr = io.ReadAll(io.LimitReader(res.Body, maxDocument+1))
	}
	return r, nil
}

// location is where an HTTP redirect points, or nil.
func location(res *http.Response) *url.URL {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if u, err := res.Location(); err == nil {
			return u
		}
	}
	return nil
}

// variant is a form in which the service is asked.
type variant struct {
	format, method string
	// request makes the request of a mailbox, answer reads the reply.
	request func(mailbox string, u *url.URL) (*http.Request, error)
	answer  func(body io.Reader) (*Response, error)
}

// errBy says that an answer leads elsewhere.
type errBy struct{ via, to string }

func (e *errBy) Error() string { return e.via + " to " + e.to }

var (
	pox = variant{formatPOX, http.MethodPost, func(mailbox string, u *url.URL) (*http.Request, error) {
		request := &Request{EMailAddress: mailbox, AcceptableResponseSchema: ResponseSchema}
		if strings.HasPrefix(mailbox, "/") {
			request.EMailAddress, request.LegacyDN = "", mailbox
		}
		body, err := EncodeRequest(request)
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequest(http.MethodPost, u.String(), bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", contentTypeXML)
		req.Header.Set(headerMapiHTTP, "1")
		req.Header.Set(headerCanHandle, canHandle)
		if request.EMailAddress != "" {
			req.Header.Set(headerAnchor, request.EMailAddress)
		}
		return req, nil
	}, func(body io.Reader) (*Response, error) {
		doc, err := DecodeResponse(body)
		switch {
		case err != nil:
			return nil, err
		case doc.Error != nil:
			return nil, doc.Error
		case doc.Account == nil:
			return nil, errors.New("autodiscover: answer without settings")
		case strings.EqualFold(doc.Account.Action, ActionRedirectAddr):
			return nil, &errBy{viaAddress, strings.TrimSpace(doc.Account.RedirectAddr)}
		case strings.EqualFold(doc.Account.Action, ActionRedirectURL):
			return nil, &errBy{viaURL, strings.TrimSpace(doc.Account.RedirectURL)}
		}
		return doc, nil
	}}

	soap = variant{formatSOAP, http.MethodPost, func(mailbox string, u *url.URL) (*http.Request, error) {
		body, err := EncodeUserSettingsRequest(&UserSettingsRequest{Mailboxes: []UserSettingsMailbox{{mailbox}}, Settings: settingNames()}, u.String())
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequest(http.MethodPost, u.String(), bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", contentTypeXML)
		req.Header.Set("SOAPAction", `"`+actionGetUserSettings+`"`)
		req.Header.Set(headerAnchor, mailbox)
		return req, nil
	}, func(body io.Reader) (*Response, error) {
		doc, err := DecodeUserSettingsResponse(body)
		if err != nil {
			return nil, err
		}
		if len(doc.Users) == 0 {
			return nil, errors.New("autodiscover: answer without a user")
		}
		switch u := doc.Users[0]; u.ErrorCode {
		case SOAPNoError:
			return fromSettings(u.Settings), nil
		case SOAPRedirectAddress:
			return nil, &errBy{viaAddress, strings.TrimSpace(u.RedirectTarget)}
		case SOAPRedirectURL:
			return nil, &errBy{viaURL, strings.TrimSpace(u.RedirectTarget)}
		default:
			return nil, &SOAPError{u.ErrorCode, u.ErrorMessage}
		}
	}}

	// v2 asks for the URL of POX. It needs no credentials and gets none.
	v2 = variant{formatJSON, http.MethodGet, func(mailbox string, u *url.URL) (*http.Request, error) {
		if !strings.Contains(strings.ToLower(u.Path), jsonPath+v2Version) {
			u = v2URL(u, u.Path, mailbox, ProtocolV1)
		}
		return http.NewRequest(http.MethodGet, u.String(), nil)
	}, func(body io.Reader) (*Response, error) {
		doc, err := DecodeV2(body)
		if err != nil {
			return nil, err
		}
		if doc.URL == "" {
			return nil, errors.New("autodiscover: the answer names no URL")
		}
		return nil, &errBy{viaJSON, doc.URL}
	}}
)

func variantOf(u *url.URL) variant {
	switch path := strings.ToLower(u.Path); {
	case strings.HasSuffix(path, ".svc"):
		return soap
	case strings.Contains(path, ".json"):
		return v2
	}
	return pox
}

// ask asks an endpoint and follows where it points. Where a server has no POX, its other variants are asked.
func (d *discovery) ask(at place, mailbox, target string, from source) (*Result, error) {
	attempt := Attempt{Step: at.step, Via: at.via, Format: formatPOX, Method: http.MethodPost, URL: target}
	u, err := url.Parse(target)
	if err != nil {
		return nil, d.failed(attempt, fmt.Errorf("autodiscover: endpoint: %w", err))
	}
	if err := d.allowed(u, from); err != nil {
		attempt.Outcome = OutcomeRefused
		return nil, d.failed(attempt, err)
	}
	v := variantOf(u)
	r, served, err := d.askAs(v, at, mailbox, u, from)
	// The web server of a domain isn't told the address more than once.
	if served || v.format != formatPOX || !strings.EqualFold(u.Path, servicePath) || d.withheld(u, from) || at.via == viaJSON || !strings.Contains(mailbox, "@") || d.ctx.Err() != nil {
		return r, err
	}
	for _, other := range []struct {
		v    variant
		path string
	}{{soap, soapPath}, {v2, jsonPath}} {
		next := &url.URL{Scheme: u.Scheme, Host: u.Host, Path: other.path}
		if r, _, err2 := d.askAs(other.v, at, mailbox, next, from); d.settled(err2) {
			return r, err2
		}
	}
	return nil, err
}

// askAs asks in one variant. served tells whether the server has it, as far as one can tell.
func (d *discovery) askAs(v variant, at place, mailbox string, u *url.URL, from source) (result *Result, served bool, err error) {
	attempt := Attempt{Step: at.step, Via: at.via, Format: v.format, Method: v.method, URL: u.String()}
	request := func() (*http.Request, error) {
		req, err := v.request(mailbox, u)
		if err != nil {
			return nil, fmt.Errorf("autodiscover: request: %w", err)
		}
		attempt.URL = req.URL.String()
		return req, nil
	}
	var doc *Response
	for try := 0; ; try++ {
		began := time.Now()
		r, err := d.converse(&attempt, v, u, from, request)
		attempt.Took = time.Since(began)
		if err != nil {
			return nil, true, d.failed(attempt, err)
		}
		if r.location != nil {
			result, err := d.follow(attempt, viaHTTP, mailbox, r.location.String())
			return result, true, err
		}
		if err := r.failure(); err != nil {
			served = errors.Is(err, ErrUnauthorized) || finalStatuses[r.status] != ""
			return nil, served, d.failed(attempt, err)
		}
		if doc, err = v.answer(bytes.NewReader(r.body)); err == nil {
			break
		}
		var by *errBy
		if errors.As(err, &by) {
			result, err := d.follow(attempt, by.via, mailbox, by.to)
			return result, true, err
		}
		err = d.failed(attempt, err)
		if !errors.Is(err, &SOAPError{Code: SOAPServerBusy}) || try > 0 || !d.pause(busyPause) {
			var wrong *DocumentError
			return nil, !errors.As(err, &wrong), err
		}
	}
	attempt.Outcome = OutcomeSettings
	d.note(attempt)
	result = newResult(doc)
	result.URL, result.Format, result.Step = attempt.URL, v.format, at.step
	return result, true, nil
}

// converse sends a request, and again with credentials if they are wanted.
func (d *discovery) converse(attempt *Attempt, v variant, u *url.URL, from source, request func() (*http.Request, error)) (*reply, error) {
	client, mayAuthorize := d.http, d.client.Authorize != nil
	withheld := d.withheld(u, from)
	if withheld || v.format == formatJSON {
		client, mayAuthorize = d.anonymous, false
	}
	for authorized := mayAuthorize && from == given; ; {
		req, err := request()
		if err != nil {
			return nil, err
		}
		if authorized {
			if err := d.authorize(req); err != nil {
				return nil, err
			}
		}
		r, err := d.roundTrip(client, req)
		if err != nil {
			return nil, err
		}
		attempt.Status, attempt.Credentials = r.status, authorized || client != d.anonymous && d.client.Authorize == nil
		switch {
		case r.status != http.StatusUnauthorized:
			return r, nil
		case withheld:
			return nil, ErrCredentialsWithheld
		case authorized || !mayAuthorize:
			return r, nil
		}
		challenged := *attempt
		challenged.Outcome, challenged.Found = OutcomeChallenged, r.challenges
		d.note(challenged)
		authorized = true
	}
}

// failure is why a reply holds no document, or nil.
func (r *reply) failure() error {
	switch {
	case r.status != http.StatusOK:
		err := error(&HTTPError{r.status, r.challenges})
		if finalStatuses[r.status] != "" {
			err = errStop{err}
		}
		return err
	case r.bodyErr != nil:
		return &NetworkError{r.bodyErr}
	case r.page:
		return errWebPage
	}
	return nil
}

// follow records an attempt that was told to ask elsewhere, and asks there if that may be.
func (d *discovery) follow(attempt Attempt, via, mailbox, to string) (*Result, error) {
	attempt.Outcome, attempt.Redirect, attempt.Next = OutcomeRedirect, via, to
	d.redirects++
	err := error(errStop{ErrTooManyRedirects})
	if d.redirects <= maxRedirects {
		attempt.Reason, err = d.mayFollow(via, to)
	}
	if err != nil {
		attempt.Reason, attempt.Err = "not followed", err
		d.note(attempt)
		return nil, err
	}
	d.note(attempt)
	if via == viaAddress {
		return d.mailbox(to, nil)
	}
	return d.ask(place{attempt.Step, via}, mailbox, to, named)
}

// mayFollow tells why a redirect is followed, or why it isn't.
func (d *discovery) mayFollow(via, to string) (why string, err error) {
	if via == viaAddress {
		domain, ok := domainOf(to)
		switch {
		case !ok:
			return "", fmt.Errorf("%w: %q isn't an SMTP address", ErrUntrustedRedirect, to)
		case !d.approvedDomain(domain):
			return "", fmt.Errorf("%w: the domain %s of the new address is neither the mailbox's nor approved; look the new address up if it is right", ErrUntrustedRedirect, domain)
		}
		return "followed: all begins again with the new address", nil
	}
	u, err := url.Parse(to)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUntrustedRedirect, err)
	}
	if err := d.allowed(u, named); err != nil {
		return "", err
	}
	return "followed: https, and the host is " + d.approved(hostOf(u)), nil
}

// pause waits, unless the discovery ends first.
func (d *discovery) pause(t time.Duration) bool {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-d.ctx.Done():
		return false
	}
}
