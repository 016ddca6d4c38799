package rpchttp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"
)

var (
	// ErrUnauthorized matches HTTP 401.
	ErrUnauthorized = errors.New("rpchttp: user name or password not accepted")
	// ErrUntrustedCertificate matches a TLS handshake that failed because the proxy's certificate isn't trusted; the
	// crypto/x509 error is in the chain.
	ErrUntrustedCertificate = errors.New("rpchttp: server certificate not trusted")
	// ErrUnreachable matches a connection that could not be made at all.
	ErrUnreachable = errors.New("rpchttp: server unreachable")
	// ErrLost matches the end of a virtual connection that neither side asked for. To go on, dial anew.
	ErrLost = errors.New("rpchttp: virtual connection lost")
)

// Channel is a half of a virtual connection.
type Channel string

// Channels, named for the HTTP methods of their requests.
const (
	In  Channel = "RPC_IN_DATA"
	Out Channel = "RPC_OUT_DATA"
)

// HTTPError is an answer of the RPC proxy, or of an HTTP server before it, that isn't a channel.
type HTTPError struct {
	Channel    Channel
	Status     int
	Reason     string        // the status line's text
	RPCStatus  uint32        // from "RPC Error: HEX" in it ([MS-RPCH] 2.1.2.1.3); 0: none given
	RetryAfter time.Duration // from a 503's Retry-After; 0: none given
	Location   string        // of a redirect, which isn't followed
	Challenges []string      // WWW-Authenticate of a 401
	Text       string        // what the answer says, shortened
}

func (e *HTTPError) Error() string {
	reason := e.Reason
	if reason == "" {
		reason = http.StatusText(e.Status)
	}
	s := fmt.Sprintf("rpchttp: %s: HTTP status %d %s", e.Channel, e.Status, reason)
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

// Is implements errors.Is.
func (e *HTTPError) Is(target error) bool {
	return target == ErrUnauthorized && e.Status == http.StatusUnauthorized
}

// RetryIn tells package retry how long the server wants to be left alone.
func (e *HTTPError) RetryIn() time.Duration { return e.RetryAfter }

// NetworkError is a channel that could not be opened for a reason below HTTP.
type NetworkError struct {
	Channel Channel
	Op      string // "dial", "TLS handshake", "request", "answer"
	Err     error
}

func (e *NetworkError) Error() string {
	return fmt.Sprintf("rpchttp: %s: %s: %v", e.Channel, e.Op, e.Err)
}

func (e *NetworkError) Unwrap() error { return e.Err }

// Is implements errors.Is.
func (e *NetworkError) Is(target error) bool {
	switch target {
	case ErrUnreachable:
		return e.Op == "dial"
	case ErrUntrustedCertificate:
		return certificateError(e.Err)
	}
	return false
}

// certificateError tells whether err comes from checking a server certificate. Go's own verification wraps the cause; a
// custom VerifyConnection may not.
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

// ProtocolError is something that [MS-RPCH] doesn't allow the peer to say, there or then. The virtual connection is closed.
type ProtocolError struct {
	Channel Channel
	What    string
}

func (e *ProtocolError) Error() string { return fmt.Sprintf("rpchttp: %s: %s", e.Channel, e.What) }

// Is implements errors.Is.
func (e *ProtocolError) Is(target error) bool { return target == ErrLost }

// LostError is a virtual connection that broke: a channel ended, fell silent, or its successor could not be opened.
type LostError struct {
	Channel Channel
	Err     error
}

func (e *LostError) Error() string {
	return fmt.Sprintf("rpchttp: virtual connection lost: %s: %v", e.Channel, e.Err)
}
func (e *LostError) Unwrap() error { return e.Err }

// Is implements errors.Is.
func (e *LostError) Is(target error) bool { return target == ErrLost }

// errSilent is a channel on which the peer said nothing, not even a Ping, for longer than it promised to.
var errSilent = errors.New("nothing came for longer than the connection timeout")
