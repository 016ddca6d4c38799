package exchange

import (
	"context"
	"errors"

	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
)

// transport is a session context on a server, however it is reached. One call may be outstanding.
type transport interface {
	// connect opens the context; execute carries extended ROP buffers.
	connect(ctx context.Context) error
	execute(ctx context.Context, buffers []byte, maxOut uint32) ([]byte, error)
	disconnect(ctx context.Context) error
}

// bookTransport carries the operations of the address book, however the server is reached. They have the names and the bodies
// that they have in MAPI over HTTP.
type bookTransport interface {
	call(ctx context.Context, kind string, req, resp oxcmapihttp.Body) error
}

func newTransport(cfg *Config) (transport, error) {
	if cfg.RPC != nil {
		return newRPC(cfg), nil
	}
	return newMAPIHTTP(cfg)
}

func newBookTransport(cfg *Config) (bookTransport, error) {
	if cfg.RPC != nil {
		return &bookOverRPC{rpc: cfg.RPC}, nil
	}
	return newBookOverMAPIHTTP(cfg)
}

// lost reports whether an error means that the session context is gone and the operation never happened.
func lost(err error) bool {
	return errors.Is(err, mapihttp.ErrContextNotFound) && !errors.Is(err, mapihttp.ErrSequence) || errors.Is(err, errSessionGone)
}
