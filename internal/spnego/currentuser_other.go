//go:build !windows

package spnego

import "github.com/opencdo/opencdo/internal/gss"

// NewCurrentUser gives ErrNoCurrentUser.
func NewCurrentUser(CurrentUser) (gss.Context, error) { return nil, ErrNoCurrentUser }
