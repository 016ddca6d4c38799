package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"

	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/internal/smtp"
	"github.com/opencdo/opencdo/mapi"
)

// mailFlags are about mail from and to other servers.
type mailFlags struct {
	SMTP              string `name:"smtp" help:"Take mail for the mailboxes by SMTP at this loopback address." placeholder:"127.0.0.1:PORT"`
	LMTP              string `name:"lmtp" help:"The same by LMTP." placeholder:"127.0.0.1:PORT"`
	Relay             string `help:"Send mail for others by this server: smtp://HOST:PORT (TLS if offered), smtp+starttls://USER@HOST, smtps://USER@HOST." placeholder:"URL"`
	RelayPasswordFile string `help:"File with the password of USER; without it you are asked." placeholder:"FILE"`
}

// smarthost is where mail for others goes, nil where it doesn't.
func (f mailFlags) smarthost(a *app, domain string) (exchangeserver.Relay, error) {
	if f.Relay == "" {
		return nil, nil
	}
	h, err := smtp.ParseSmarthost(f.Relay)
	if err != nil {
		return nil, err
	}
	h.Domain = domain
	if a.CA != "" {
		pem, err := os.ReadFile(a.CA)
		if err != nil {
			return nil, &mapi.Error{Op: "read certificates", Object: a.CA, Code: mapi.ErrNotFound, Err: err}
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, &mapi.Error{Op: "read certificates", Object: a.CA, Code: mapi.ErrInvalidParameter, Err: errors.New("there are none in it")}
		}
		h.TLS = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	if h.User != "" { // asked for now: later there may be nobody
		password, err := secret.Source{File: f.RelayPasswordFile, Stdin: a.stdin, Prompt: "Password of " + h.User + " on " + h.Address}.Get()
		if err != nil {
			return nil, err
		}
		h.Password = func(context.Context) (string, error) { return password, nil }
	}
	return h, nil
}

// listeners open what mail is taken at.
func (f mailFlags) listeners(ctx context.Context, a *app) (list []mailListener, err error) {
	for _, l := range []mailListener{{address: f.SMTP, kind: "smtp"}, {address: f.LMTP, kind: "lmtp"}} {
		if l.address == "" {
			continue
		}
		if l.Listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", l.address); err != nil {
			closeAll(list)
			return nil, &mapi.Error{Op: "take mail", Object: l.address, Code: mapi.ErrNetwork, Err: err}
		}
		list = append(list, l)
		if addr, ok := l.Addr().(*net.TCPAddr); !ok || !addr.IP.IsLoopback() {
			closeAll(list)
			return nil, usage("mail is taken at loopback addresses only, such as 127.0.0.1:2525, not at %s", l.address)
		}
		a.printf("taking mail at %s://%s", l.kind, l.Addr())
	}
	return list, nil
}

// mailListener is one of them.
type mailListener struct {
	net.Listener
	address, kind string
}

func closeAll(list []mailListener) {
	for _, l := range list {
		l.Close()
	}
}

// serve takes mail until ctx ends.
func (l mailListener) serve(ctx context.Context, server *exchangeserver.Server, cfg exchangeserver.Config, conf *tls.Config) error {
	return smtp.Serve(ctx, l, smtp.Config{Receiver: server, Domain: cfg.Domain, LMTP: l.kind == "lmtp", TLS: conf, Logger: cfg.Logger})
}
