package connect

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/internal/autodiscover"
	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/epm"
	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/nspirpc"
	"github.com/opencdo/opencdo/internal/rpchttp"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

// overMAPIHTTP takes the endpoints that Autodiscover told, or makes their URLs from the proxy's name and the server's.
func (s *session) overMAPIHTTP(ctx context.Context, c *exchange.Config) error {
	if s.found == nil {
		query := "?MailboxId=" + s.server
		c.MailboxURL = s.base.String() + "/mapi/emsmdb/" + query
		c.AddressBookURL = s.base.String() + "/mapi/nspi/" + query
	} else {
		if c.MailboxURL = s.found.MailStore.ExternalURL; c.MailboxURL == "" {
			c.MailboxURL = s.found.MailStore.InternalURL
		}
		if c.AddressBookURL = s.found.AddressBook.ExternalURL; c.AddressBookURL == "" {
			c.AddressBookURL = s.found.AddressBook.InternalURL
		}
	}
	if s.Examine {
		return s.offers(ctx, c.MailboxURL)
	}
	return nil
}

// rpcProxy is the RPC proxy, and the server as it knows it.
func (s *session) rpcProxy() (proxy, server string) {
	proxy, server = s.base.Host, s.server
	if s.found == nil {
		return proxy, server
	}
	proxy = s.found.Proxy().Server
	if s.base.Port() != "" && strings.EqualFold(proxy, s.base.Hostname()) {
		proxy = s.base.Host // Autodiscover tells no ports
	}
	if s.found.Server != "" {
		server = s.found.Server
	} else if server == "" || strings.Contains(server, "://") {
		server = hostOnly(proxy)
	}
	return proxy, server
}

// services is where the web services are: as Autodiscover told, else where every server of Exchange 2007 and later has them.
func (s *session) services() string {
	if s.found == nil {
		return s.base.String() + "/EWS/Exchange.asmx"
	}
	list := s.found.EXHTTP
	if s.found.EXCH != nil {
		list = append([]autodiscover.Protocol{*s.found.EXCH}, list...)
	}
	if s.found.EXPR != nil {
		list = append([]autodiscover.Protocol{*s.found.EXPR}, list...)
	}
	for _, p := range list {
		if p.EwsURL != "" {
			return p.EwsURL
		}
	}
	return ""
}

// overRPCHTTP reaches the RPC server through the RPC proxy.
func (s *session) overRPCHTTP(ctx context.Context, c *exchange.Config) error {
	proxy, server := s.rpcProxy()
	target := url.URL{Scheme: "https", Host: proxy}
	if s.found == nil {
		target.Scheme = s.base.Scheme
	}
	s.auth.Memory.Suppose(&target, s.base)
	config := func(port int) rpchttp.Config {
		_, rest, _ := strings.Cut(rpchttp.URL(proxy, server, port), "://")
		return rpchttp.Config{URL: target.Scheme + "://" + rest, TLS: s.tls, Dial: s.tunnel(),
			Authenticator: func(state *tls.ConnectionState) rpchttp.Authenticator { return s.auth.NewConversation(&target, state) }}
	}
	if s.Examine {
		mailbox := config(rpchttp.PortMailbox)
		if err := s.offers(ctx, mailbox.URL); err != nil {
			return err
		}
		s.step("ask the RPC proxy for an echo", mailbox.URL, rpchttp.Echo(ctx, mailbox), "")
	}
	c.RPC = &exchange.RPC{Version: s.ClientVersion.Words(), Dial: func(ctx context.Context, interfaces ...dcerpc.Syntax) (*dcerpc.Client, error) {
		cfg := config(portOf(interfaces[0]))
		conn, err := rpchttp.Dial(ctx, cfg)
		s.step("open a virtual connection", cfg.URL, err, "")
		if err != nil {
			return nil, err
		}
		named := server // in tickets; nobody has tickets for personalised names
		if strings.Contains(named, "@") {
			named = proxy
		}
		return s.bind(ctx, conn, hostOnly(named), interfaces)
	}}
	return nil
}

func portOf(i dcerpc.Syntax) int {
	if i == nspirpc.Interface {
		return rpchttp.PortAddressBook
	}
	return rpchttp.PortMailbox
}

func hostOnly(s string) string {
	if h, _, err := net.SplitHostPort(s); err == nil {
		return h
	}
	return s
}

// mapperPort is the endpoint mapper's.
const mapperPort = 135

// overRPCTCP reaches the server itself, which tells the ports of its services.
func (s *session) overRPCTCP(ctx context.Context, c *exchange.Config) {
	host := s.base.Hostname()
	if s.found != nil && s.found.EXCH != nil && s.found.EXCH.Server != "" && !strings.Contains(s.found.EXCH.Server, "@") {
		host = s.found.EXCH.Server
	}
	port := s.MapperPort
	if port == 0 {
		port = mapperPort
	}
	if s.Examine {
		s.lookUp(ctx, host) // connecting tells more of what is wrong
	}
	dial := s.dialer()
	c.RPC = &exchange.RPC{Version: s.ClientVersion.Words(), Dial: func(ctx context.Context, interfaces ...dcerpc.Syntax) (*dcerpc.Client, error) {
		mapper := net.JoinHostPort(host, strconv.Itoa(port))
		at, err := epm.Resolve(ctx, dial, mapper, interfaces[0])
		const what = "ask the endpoint mapper for "
		if err != nil {
			s.step(what+nameOfInterface(interfaces[0]), mapper, err, "")
			return nil, err
		}
		s.step(what+nameOfInterface(interfaces[0]), mapper, nil, fmt.Sprintf("port %d", at))
		conn, err := dial(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(int(at))))
		if err != nil {
			return nil, err
		}
		return s.bind(ctx, conn, host, interfaces)
	}}
}

// bind authenticates a new association as profile and map say.
func (s *session) bind(ctx context.Context, conn net.Conn, host string, interfaces []dcerpc.Syntax) (*dcerpc.Client, error) {
	service := serviceOf(interfaces[0]) + "/" + host
	cfg, err := s.Credentials.rpc(s.RPCAuth, s.user, service, s.Encrypt, s.auth)
	if err != nil {
		conn.Close()
		return nil, err
	}
	client := dcerpc.NewClient(conn, cfg)
	err = client.Bind(ctx, interfaces...)
	note := "without authentication in RPC"
	if cfg.Auth != nil {
		note = fmt.Sprintf("authentication %v at level %v", profile.RPCAuth(cfg.AuthType), cfg.Level)
	}
	s.step("bind "+nameOfInterface(interfaces[0]), service, err, note)
	if err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
}

func nameOfInterface(i dcerpc.Syntax) string {
	if i == nspirpc.Interface {
		return "the address book (NSPI)"
	}
	return "the mailbox service (EMSMDB)"
}

// serviceOf is the class of the principal name of a service ([MS-OXCRPC] 3.1.3, [MS-OXNSPI] 3.1.3).
func serviceOf(i dcerpc.Syntax) string {
	if i == nspirpc.Interface {
		return "exchangeAB"
	}
	return "exchangeMDB"
}

// notOffered tells errors that mean that a server doesn't have a transport, so that another may be tried: there is no such
// page, it is switched off, or it cannot be authenticated to in a way that is allowed.
func notOffered(err error) bool {
	var (
		page *mapihttp.HTTPError
		rpc  *rpchttp.HTTPError
		code *mapihttp.ResponseCodeError
		op   *net.OpError
	)
	switch {
	case errors.As(err, &page):
		switch page.Status {
		case http.StatusOK, http.StatusMovedPermanently, http.StatusFound, http.StatusForbidden, http.StatusNotFound,
			http.StatusMethodNotAllowed, http.StatusNotImplemented:
			return true
		}
	case errors.As(err, &rpc):
		switch rpc.Status {
		case http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
			return true
		}
	case errors.As(err, &code):
		return code.Code == mapihttp.EndpointDisabled || code.Code == mapihttp.InvalidPath
	case errors.As(err, &op):
		return op.Op == "dial" && strings.HasPrefix(op.Net, "tcp") && op.Addr != nil && isMapper(op.Addr)
	}
	return errors.Is(err, httpauth.ErrNoScheme) || errors.Is(err, mapi.ErrNoSupport)
}

func isMapper(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.Port == mapperPort
}
