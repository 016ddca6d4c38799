package exchangeserver

import (
	"context"

	"github.com/opencdo/opencdo/internal/delivery"
	"github.com/opencdo/opencdo/mapi"
)

// Has tells whether somebody here has an Internet address.
func (s *Server) Has(ctx context.Context, address string) (bool, error) {
	u, err := s.findUser(ctx, address)
	return u != nil, err
}

// Deliver puts a message that came from another server into the mailboxes of those whom its envelope names. It gives the addresses
// that got nothing and why; one that nobody has fails with mapi.ErrUnknownUser.
func (s *Server) Deliver(ctx context.Context, to []string, it *mapi.Item) map[string]error {
	return delivery.Receive(ctx, post{s}, to, it)
}

// Bounce sends a report to another server about a message that was taken from it and that not all got. It needs a relay.
func (s *Server) Bounce(ctx context.Context, from string, it *mapi.Item, failed map[string]error) error {
	return delivery.Bounce(ctx, post{s}, from, it, failed)
}
