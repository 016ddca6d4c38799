package opencdo

import (
	"fmt"
	"strings"

	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/profile"
)

const stepProfile = "read the profile"

func (cfg *Config) step(what, where string, err error, note string) {
	if cfg.Trace != nil {
		cfg.Trace(Step{What: what, Where: where, Err: err, Note: note})
	}
}

// settingsNote lists the values that count for connections, with where they stand.
func settingsNote(set *settings.Settings) string {
	var lines []string
	for _, v := range profile.MapValues(set) {
		lines = append(lines, fmt.Sprintf("%s = %s (%v)", v.Name, v.Value, v.Origin))
	}
	for _, k := range settings.All {
		if k.Unused || k.Name == settings.RpcHttpProxyMap {
			continue
		}
		if f, ok := set.Find(k.Name); ok {
			lines = append(lines, fmt.Sprintf("%s = %v (%v)", k.Name, f.Value, f.Origin))
		}
	}
	if len(lines) == 0 {
		return "nothing is set"
	}
	return strings.Join(lines, "\n")
}

// profileStep tells what profile and settings come to. No secret is part of it.
func (cfg *Config) profileStep(name string, way *profile.Connection) {
	if cfg.Trace == nil {
		return
	}
	var lines []string
	add := func(what, value string) {
		if value != "" {
			lines = append(lines, what+": "+value)
		}
	}
	add("server", way.Server)
	add("mailbox", way.Mailbox)
	add("user", way.User)
	if way.Proxy != nil {
		add("proxy", way.Proxy.String())
	}
	var by []string
	for _, a := range way.HTTPAuth {
		by = append(by, string(a))
	}
	add("HTTP authentication", strings.Join(by, ", "))
	add("RPC authentication", way.RPCAuth.String())
	var transports []string
	for _, t := range way.Transports {
		transports = append(transports, string(t))
	}
	add("transports", strings.Join(transports, ", "))
	add("client version", way.ClientVersion.String())
	if way.IgnoreNoPF {
		add("flags", "CONNECT_IGNORE_NO_PF")
	}
	cfg.step(stepProfile, name, nil, strings.Join(lines, "\n"))
}
