package mapihttp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"
)

var (
	// ErrContextNotFound matches every error that means the session context is
	// gone or unusable: connect again, then open every object anew.
	ErrContextNotFound = errors.New("mapihttp: session context not found")
	// ErrSequence matches those of them after which it isn't known whether the
	// request was carried out: it may be one that net/http sent again because the
	// connection broke before the answer came.
	ErrSequence = errors.New("mapihttp: out of sequence")
	// ErrUnauthorized matches HTTP 401.
	ErrUnauthorized = errors.New("mapihttp: user name or password not accepted")
	// ErrUntrustedCertificate matches a TLS handshake that failed because the
	// server's certificate isn't trusted; the crypto/x509 error is in the chain.
	ErrUntrustedCertificate = errors.New("mapihttp: server certificate not trusted")
	// ErrSilent matches a request given up because the server sent nothing, not
	// even a PENDING, for Config.Silence.
	ErrSilent = errors.New("mapihttp: server fell silent")
	// ErrTooLarge matches an answer longer than Config.MaxResponse.
	ErrTooLarge = errors.New("mapihttp: answer too large")
)

// HTTPError is an answer that the MAPI layer of the server didn't make.
type HTTPError struct {
	RequestType string
	Status      int
	RetryAfter  time.Duration // from a 503's Retry-After; 0: none given
	Location    string        // of a redirect, which isn't followed
	Challenges  []string      // WWW-Authenticate of a 401
	Text        string        // what the answer says, shortened
}

func (e *HTTPError) Error() string {
	s := fmt.Sprintf("mapihttp: %s: HTTP status %d %s", e.RequestType, e.Status, http.StatusText(e.Status))
	if e.Location != "" {
		s += " to " + e.Location
	}
	if e.RetryAfter > 0 {
		s += fmt.Sprintf(" (retry after %v)", e.RetryAfter)
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// RetryIn tells package retry how long the server wants to be left alone.
func (e *HTTPError) RetryIn() time.Duration { return e.RetryAfter }

func (e *HTTPError) Is(target error) bool {
	return target == ErrUnauthorized && e.Status == http.StatusUnauthorized
}

// ResponseCodeError is an X-ResponseCode other than 0. An [Endpoint] or
// [Session] returns one to choose the code of its failure.
type ResponseCodeError struct {
	RequestType string
	Code        ResponseCode
	Text        string // diagnostic text, for people
}

func (e *ResponseCodeError) Error() string {
	s := "mapihttp: "
	if e.RequestType != "" {
		s += e.RequestType + ": "
	}
	s += fmt.Sprintf("X-ResponseCode %d (%v)", e.Code, e.Code)
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// Is reports the codes that mean a lost session context as ErrContextNotFound.
// InvalidVerb and MissingHeader are among them: the documents' meaning can't
// arise from this client, which always posts and always sends every required
// header, while gromox numbers "no such session" 2 and "wrong sequence" 7.
func (e *ResponseCodeError) Is(target error) bool {
	switch target {
	case ErrSequence:
		return e.Code == InvalidSequence || e.Code == MissingHeader
	case ErrContextNotFound:
	default:
		return false
	}
	switch e.Code {
	case InvalidContextCookie, ContextNotFound, MissingCookie, InvalidSequence, InvalidVerb, MissingHeader:
		return true
	}
	return false
}

// NetworkError is a request that got no whole answer. The outcome of the request
// is unknown: to go on, connect again on the same client.
type NetworkError struct {
	RequestType string
	Err         error
}

func (e *NetworkError) Error() string { return "mapihttp: " + e.RequestType + ": " + e.Err.Error() }
func (e *NetworkError) Unwrap() error { return e.Err }

func (e *NetworkError) Is(target error) bool {
	return target == ErrUntrustedCertificate && certificateError(e.Err)
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

// StreamError is an answer that isn't framed as [MS-OXCMAPIHTTP] 2.2.7 says.
type StreamError struct {
	Offset int64 // in the entity, after chunks were joined
	What   string
}

func (e *StreamError) Error() string {
	return fmt.Sprintf("mapihttp: answer, byte %d: %s", e.Offset, e.What)
}
