package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
)

// opener opens the stores of profiles for programs that cannot be asked for anything: passwords are those that were stored
// with "opencdo secret set"; without one, whoever runs the program logs on, as with CDO.
func opener(log *slog.Logger) func(context.Context, cdo.Profile) ([]mapi.Store, error) {
	return func(ctx context.Context, p cdo.Profile) ([]mapi.Store, error) {
		home, err := settings.Home()
		if err != nil {
			return nil, err
		}
		set, err := settings.Load(home)
		if err != nil {
			return nil, err
		}
		secrets, err := secret.Open(home, set.TextOf(settings.SecretStore))
		if err != nil {
			return nil, err
		}
		unknown := false
		cfg := opencdo.Config{Home: home, Secrets: secrets, Warn: func(m string) { log.Warn(m) }, Logger: log,
			Password: func(_ context.Context, user, server string) (string, error) {
				password, err := secrets.Get(secret.PasswordName(user, server))
				unknown = unknown || errors.Is(err, mapi.ErrNotFound)
				return password, err
			}}
		st, err := openProfile(ctx, p, &cfg)
		if err != nil && unknown {
			cfg.Auth.CurrentUser = true
			st, err = openProfile(ctx, p, &cfg)
		}
		if err != nil {
			// The client is told CDO's number only.
			log.Error("a mailbox doesn't open", "profile", p.Name, "server", p.Info.Server, "mailbox", p.Info.Mailbox, "error", err)
			return nil, err
		}
		return []mapi.Store{st}, nil
	}
}

func openProfile(ctx context.Context, p cdo.Profile, cfg *opencdo.Config) (mapi.Store, error) {
	if p.Name != "" {
		return opencdo.Open(ctx, string(opencdo.SchemeProfile)+":"+p.Name, cfg)
	}
	return opencdo.OpenProfile(ctx, p.Info, cfg)
}
