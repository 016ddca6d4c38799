package autodiscover

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

var (
	// ErrUnreachable matches an attempt that got no HTTP response.
	ErrUnreachable = errors.New("autodiscover: server not reachable")
	// ErrUnauthorized matches HTTP 401 although credentials were sent, or because
	// there were none to send.
	ErrUnauthorized = errors.New("autodiscover: user name or password not accepted")
	// ErrUntrustedCertificate matches a server whose certificate isn't trusted;
	// the crypto/x509 error is in the chain.
	ErrUntrustedCertificate = errors.New("autodiscover: server certificate not trusted")
	// ErrUntrustedRedirect matches a redirect that isn't followed: to plain HTTP,
	// or to a host that isn't approved.
	ErrUntrustedRedirect = errors.New("autodiscover: redirect not followed")
	// ErrCredentialsWithheld matches the web server of a domain that wants credentials, see Client.DomainCredentials.
	ErrCredentialsWithheld = errors.New("autodiscover: the web server of the domain itself gets no credentials unless that is allowed")
	// ErrTooManyRedirects matches a chain of more than 10 redirects.
	ErrTooManyRedirects = errors.New("autodiscover: too many redirects")
)

// errNoRedirect is the plain-HTTP step's outcome with any other status: since no
// credentials were sent, a 401 there says nothing about them.
var errNoRedirect = errors.New("autodiscover: no redirect")

// HTTPError is an HTTP status other than success.
type HTTPError struct {
	Status     int
	Challenges []string // WWW-Authenticate of a 401
}

func (e *HTTPError) Error() string {
	text := http.StatusText(e.Status)
	if why := finalStatuses[e.Status]; why != "" {
		text = "(" + why + ")"
	}
	return fmt.Sprintf("autodiscover: HTTP status %d %s", e.Status, text)
}

// Is matches another *HTTPError with the same status, and ErrUnauthorized.
func (e *HTTPError) Is(target error) bool {
	t, ok := target.(*HTTPError)
	return ok && t.Status == e.Status || target == ErrUnauthorized && e.Status == http.StatusUnauthorized
}

// NetworkError is an attempt that got no HTTP response.
type NetworkError struct{ Err error }

func (e *NetworkError) Error() string { return "autodiscover: " + e.Err.Error() }
func (e *NetworkError) Unwrap() error { return e.Err }

func (e *NetworkError) Is(target error) bool {
	switch target {
	case ErrUntrustedCertificate:
		return certificateError(e.Err)
	case ErrUnreachable:
		return !certificateError(e.Err)
	}
	return false
}

// certificateError tells whether err comes from checking a server certificate.
// Go's own verification wraps the cause; a custom VerifyConnection may not.
func certificateError(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		host         x509.HostnameError
		invalid      x509.CertificateInvalidError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) ||
		errors.As(err, &host) || errors.As(err, &invalid)
}

// DiscoverError says that no attempt brought an answer. It wraps every attempt's
// error, the most telling first.
type DiscoverError struct {
	Mailbox  string
	Attempts []Attempt
	reason   error
}

func (e *DiscoverError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "autodiscover: no settings for %s", e.Mailbox)
	if e.reason != nil {
		fmt.Fprintf(&b, ": %s", strings.TrimPrefix(e.reason.Error(), "autodiscover: "))
	}
	fmt.Fprintf(&b, " (%d attempts)", len(e.Attempts))
	return b.String()
}

func (e *DiscoverError) Unwrap() []error {
	errs := make([]error, 0, len(e.Attempts)+1)
	if e.reason != nil {
		errs = append(errs, e.reason)
	}
	for _, a := range e.Attempts {
		if a.Err != nil {
			errs = append(errs, a.Err)
		}
	}
	return errs
}

// telling ranks errors: what a server said about the mailbox tells more than
// what one server said about the request, and that more than silence.
func telling(err error) int {
	var code *Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code), errors.Is(err, &SOAPError{Code: SOAPInvalidUser}):
		return 7
	case errors.Is(err, ErrUnauthorized), errors.As(err, new(errStop)):
		return 6
	case errors.Is(err, ErrUntrustedRedirect), errors.Is(err, ErrTooManyRedirects):
		return 5
	case errors.Is(err, ErrCredentialsWithheld):
		return 4
	case errors.Is(err, ErrUntrustedCertificate):
		return 3
	case errors.Is(err, ErrUnreachable), errors.Is(err, errNoRedirect), errors.Is(err, errNoDirectory):
		return 1
	}
	return 2
}
