package spnego

import (
	"errors"

	"github.com/opencdo/opencdo/internal/gss"
)

// CurrentUser is how the user who runs the program speaks to a service, with what he logged on with. It is the business of
// the operating system.
type CurrentUser struct {
	// Service is the principal name, such as "HTTP/mail.example.com".
	Service        string
	ChannelBinding gss.ChannelBinding
	Seal           bool
	DCE            bool
}

// ErrNoCurrentUser means that this operating system logs nobody on to services.
var ErrNoCurrentUser = errors.New("spnego: the current user's logon can be used on Windows only; give a user, a keytab or a credential cache")
