package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/internal/directory"
	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

type serveRunCmd struct {
	dataFlag
	mailFlags
	Listen             string   `help:"Address to listen on." default:"127.0.0.1:8443" placeholder:"HOST:PORT"`
	PlainHTTP          bool     `name:"plain-http" help:"No TLS; on loopback addresses only."`
	RPC                string   `name:"rpc" help:"Address on which RPC over TCP is served, too." placeholder:"HOST:PORT"`
	RPCMapper          string   `name:"rpc-mapper" help:"Address of the endpoint mapper, which tells clients the port of --rpc; they look for it at port 135." placeholder:"HOST:PORT"`
	ExtendedProtection string   `help:"What is thought of channel bindings, which tie NTLM and Kerberos to the TLS connection: off, allow (wrong ones are refused), require." enum:"off,allow,require" default:"off" placeholder:"MODE"`
	JWKS               string   `name:"jwks" help:"File with the keys (JSON Web Key Set) that sign access tokens. With --issuer and --audience, users may log on with those." placeholder:"FILE"`
	Issuer             string   `help:"Who has to have issued access tokens." placeholder:"TEXT"`
	Audience           string   `help:"Whom access tokens have to be for." placeholder:"TEXT"`
	Offer              []string `help:"Transports that Autodiscover names: mapihttp, rpchttp, rpctcp. Default: all that are served." placeholder:"T"`
	ProxyAuth          string   `help:"How Autodiscover says that the RPC proxy wants to be authenticated to: basic, ntlm, negotiate." default:"basic" placeholder:"PACKAGE"`
}

func (serveRunCmd) Help() string {
	return "Of the flags of clients, --auth says which ways to authenticate in HTTP are offered, --keytab has the keys of the server's Kerberos principals (HTTP/host, exchangeMDB/host, exchangeAB/host), --rpc-level is the least level of RPC that is taken, and --rpc-auth what Autodiscover names for it.\n\nExamples:\n  opencdo serve --data /srv/opencdo --listen 0.0.0.0:443 --auth negotiate,ntlm --keytab /etc/http.keytab --extended-protection require\n  opencdo serve --data /srv/opencdo --rpc 0.0.0.0:6001 --rpc-mapper 0.0.0.0:135 --rpc-level privacy\n  opencdo serve --data /srv/opencdo --auth bearer --jwks keys.json --issuer https://login.contoso.test --audience https://mail.contoso.test\n  opencdo serve --data /srv/opencdo --smtp 127.0.0.1:2525 --relay smtp+starttls://me@mail.example.org --relay-password-file secret.txt"
}

// Run serves until it is interrupted.
func (c serveRunCmd) Run(ctx context.Context, a *app) error {
	auth, offer, err := c.security(a)
	if err != nil {
		return err
	}
	dir, err := c.open(ctx)
	if err != nil {
		return err
	}
	backend := exchangeserver.NewLocal(dir)
	defer backend.Close()
	cfg := exchangeserver.Config{Backend: backend, Domain: dir.Domain(), Auth: auth, Autodiscover: offer}
	if a.Verbose {
		cfg.Logger = slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if cfg.Relay, err = c.smarthost(a, dir.Domain()); err != nil {
		return err
	}
	server, err := exchangeserver.New(cfg)
	if err != nil {
		return err
	}
	defer server.Close()
	l, conf, err := c.listen(ctx, dir)
	if err != nil {
		return err
	}
	users, err := dir.Users(ctx)
	if err != nil {
		l.Close()
		return err
	}
	scheme := "http"
	if conf != nil {
		scheme = "https"
	}
	services := []func(context.Context) error{func(ctx context.Context) error { return server.Serve(ctx, l, conf) }}
	mail, err := c.listeners(ctx, a)
	if err != nil {
		l.Close()
		return err
	}
	for _, m := range mail {
		services = append(services, func(ctx context.Context) error { return m.serve(ctx, server, cfg, conf) })
	}
	if c.RPC != "" {
		rpc, err := server.ListenRPC(ctx, c.RPC, c.RPCMapper)
		if err != nil {
			l.Close()
			closeAll(mail)
			return err
		}
		services = append(services, rpc.Serve)
		port, mapper := rpc.Ports()
		a.printf("RPC over TCP on port %d, endpoint mapper on port %d", port, mapper)
	}
	a.printf("serving %d mailboxes of %s on %s://%s", len(users), dir.Domain(), scheme, l.Addr())
	if conf != nil {
		a.printf("clients trust it with --ca %s", dir.CAPath())
	}
	if len(users) == 0 {
		a.printf("there are no users yet: opencdo serve user add NAME --data %s", c.Data)
	}
	return together(ctx, services)
}

// together runs services; where one ends, the others do.
func together(ctx context.Context, services []func(context.Context) error) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, len(services))
	for _, serve := range services {
		go func() {
			done <- serve(ctx)
			stop()
		}()
	}
	for range services {
		if e := <-done; err == nil {
			err = e
		}
	}
	return err
}

// listen opens the port of HTTP. conf is nil without TLS.
func (c serveRunCmd) listen(ctx context.Context, dir *directory.Directory) (l net.Listener, conf *tls.Config, err error) {
	if !c.PlainHTTP {
		cert, err := dir.Certificate(ctx)
		if err != nil {
			return nil, nil, err
		}
		conf = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	if l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen); err != nil {
		return nil, nil, &mapi.Error{Op: "serve", Object: c.Listen, Code: mapi.ErrNetwork, Err: err}
	}
	if addr, ok := l.Addr().(*net.TCPAddr); conf == nil && (!ok || !addr.IP.IsLoopback()) {
		l.Close()
		return nil, nil, usage("without TLS only loopback addresses are served, not %s", c.Listen)
	}
	return l, conf, nil
}

// security is how users authenticate, and what Autodiscover tells of it.
func (c serveRunCmd) security(a *app) (auth exchangeserver.Auth, offer exchangeserver.Offer, err error) {
	auth = exchangeserver.Auth{Schemes: a.Auth, Keytab: a.Keytab, ExtendedProtection: c.ExtendedProtection, RPCLevel: a.RPCLevel}
	offer = exchangeserver.Offer{ProxyAuth: c.ProxyAuth, RPCAuth: strings.Replace(a.RPCAuth, "kerberos", "kerb", 1), RPCOverTCP: c.RPC != ""}
	switch {
	case c.JWKS != "" && (c.Issuer == "" || c.Audience == ""):
		return auth, offer, usage("--jwks needs --issuer and --audience: tokens that others issued, or for others, aren't to be taken")
	case c.JWKS != "":
		auth.Token = (&httpauth.JWT{Keys: c.JWKS, Issuer: c.Issuer, Audience: c.Audience}).Verify
	case slices.Contains(a.Auth, "bearer"):
		return auth, offer, usage("--auth bearer needs --jwks")
	}
	if c.RPCMapper != "" && c.RPC == "" {
		return auth, offer, usage("--rpc-mapper needs --rpc")
	}
	if len(c.Offer) > 0 {
		offer.NoMapiHTTP, offer.NoRPCOverHTTP, offer.RPCOverTCP = true, true, false
	}
	for _, t := range c.Offer {
		switch profile.Transport(strings.ToLower(t)) {
		case profile.MAPIHTTP:
			offer.NoMapiHTTP = false
		case profile.RPCHTTP:
			offer.NoRPCOverHTTP = false
		case profile.RPCTCP:
			offer.RPCOverTCP = true
		default:
			return auth, offer, usage("--offer is mapihttp, rpchttp or rpctcp, not %q", t)
		}
	}
	return auth, offer, nil
}
