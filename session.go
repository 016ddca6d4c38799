package opencdo

import (
	"context"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

// OpenProfile opens the mailbox of a dynamic profile: what a CDO session does with the ProfileInfo argument of Logon.
// Errors are those of [Open].
func OpenProfile(ctx context.Context, info profile.Info, cfg *Config) (mapi.Store, error) {
	if cfg == nil {
		cfg = &Config{}
	}
	return openExchange(ctx, info, cfg)
}
