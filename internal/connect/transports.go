package connect

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/epm"
	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/nspirpc"
	"github.com/opencdo/opencdo/internal/rpchttp"
	"github.com/opencdo/opencdo/mapi"
)

// overMAPIHTTP takes the endpoints that Autodiscover told, or makes their URLs from the proxy's name and the server's.
func (s *session) overMAPIHTTP(c *exchange.Config) error {
	if s.found == nil {
		query := "?MailboxId=" + s.server
		c.MailboxURL = s.base.String() + "/mapi/emsmdb/" + query
		c.AddressBookURL = s.base.String() + "/mapi/nspi/" + query
		return nil
	}
	if c.MailboxURL = s.found.MailStore.ExternalURL; c.MailboxURL == "" {
		c.MailboxURL = s.found.MailStore.InternalURL
	}
	if c.AddressBookURL = s.found.AddressBook.ExternalURL; c.AddressBookURL == "" {
		c.AddressBookURL = s.found.AddressBook.InternalURL
	}
	return nil
}

// overRPCHTTP reaches the RPC server through the RPC proxy.
func (s *session) overRPCHTTP(c *exchange.Config) error {
	proxy, server := s.base.Host, s.server
	if s.found != nil {
		p := s.found.Proxy()
		proxy = p.Server
		if s.base.Port() != "" && strings.EqualFold(proxy, s.base.Hostname()) {
			proxy = s.base.Host // Autodiscover tells no ports
		}
		if s.found.Server != "" {
			server = s.found.Server
		} else if server == "" || strings.Contains(server, "://") {
			server = proxy
		}
	}
	dial := s.Dial
	if dial == nil {
		dial = httpauth.ProxyDialer{}.DialContext
	}
	c.RPC = &exchange.RPC{Version: s.ClientVersion.Words(), Dial: func(ctx context.Context, interfaces ...dcerpc.Syntax) (*dcerpc.Client, error) {
		cfg := rpchttp.Config{URL: rpchttp.URL(proxy, server, portOf(interfaces[0])), TLS: s.tls, Dial: dial}
		target := *s.base
		target.Scheme, target.Host = "https", proxy
		cfg.Authenticator = func(state *tls.ConnectionState) rpchttp.Authenticator { return s.auth.NewConversation(&target, state) }
		conn, err := rpchttp.Dial(ctx, cfg)
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
func (s *session) overRPCTCP(c *exchange.Config) error {
	host := s.base.Hostname()
	if s.found != nil && s.found.EXCH != nil && s.found.EXCH.Server != "" && !strings.Contains(s.found.EXCH.Server, "@") {
		host = s.found.EXCH.Server
	}
	port := s.MapperPort
	if port == 0 {
		port = mapperPort
	}
	dial := s.dialer()
	c.RPC = &exchange.RPC{Version: s.ClientVersion.Words(), Dial: func(ctx context.Context, interfaces ...dcerpc.Syntax) (*dcerpc.Client, error) {
		at, err := epm.Resolve(ctx, dial, net.JoinHostPort(host, strconv.Itoa(port)), interfaces[0])
		if err != nil {
			return nil, err
		}
		conn, err := dial(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(int(at))))
		if err != nil {
			return nil, err
		}
		return s.bind(ctx, conn, host, interfaces)
	}}
	return nil
}

// bind authenticates a new association as profile and map say.
func (s *session) bind(ctx context.Context, conn net.Conn, host string, interfaces []dcerpc.Syntax) (*dcerpc.Client, error) {
	cfg, err := s.Credentials.rpc(s.RPCAuth, s.user, serviceOf(interfaces[0])+"/"+host, s.Encrypt, s.auth)
	if err != nil {
		conn.Close()
		return nil, err
	}
	client := dcerpc.NewClient(conn, cfg)
	if err := client.Bind(ctx, interfaces...); err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
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
