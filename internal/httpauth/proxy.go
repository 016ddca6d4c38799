package httpauth

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// ProxyDialer makes connections for TLS through HTTP proxies.
type ProxyDialer struct {
	// Proxy is the proxy for a URL; nil: the environment's settings.
	Proxy func(*http.Request) (*url.URL, error)
	// Dial makes network connections; nil: net.Dialer's DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// DialContext connects to a host and port, directly or by CONNECT.
func (d ProxyDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	proxy, dial := d.Proxy, d.Dial
	if proxy == nil {
		proxy = http.ProxyFromEnvironment
	}
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	u, err := proxy(&http.Request{URL: &url.URL{Scheme: "https", Host: address}})
	if err != nil {
		return nil, errProxy
	}
	if u == nil {
		return dial(ctx, network, address)
	}
	return dialThrough(ctx, dial, u, address)
}

// errProxy doesn't quote the setting, which may have a password in it.
var errProxy = errors.New("httpauth: the settings of the proxy are malformed (HTTPS_PROXY, HTTP_PROXY)")

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	port := "80"
	if u.Scheme == "https" {
		port = "443"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func proxyAddress(proxy *url.URL) (string, error) {
	if proxy.Scheme != "http" {
		return "", fmt.Errorf("httpauth: proxies of kind %q can't be used, only http", proxy.Scheme)
	}
	return hostPort(proxy), nil
}

// dialThrough connects by CONNECT (RFC 9110, 9.3.6), or directly where proxy is nil.
func dialThrough(ctx context.Context, dial func(context.Context, string, string) (net.Conn, error), proxy *url.URL, address string) (net.Conn, error) {
	if proxy == nil {
		return dial(ctx, "tcp", address)
	}
	at, err := proxyAddress(proxy)
	if err != nil {
		return nil, err
	}
	conn, err := dial(ctx, "tcp", at)
	if err != nil {
		return nil, fmt.Errorf("httpauth: proxy %s: %w", at, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	resp, err := connect(ctx, conn, proxy, address)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("answers %s to CONNECT", resp.Status)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("httpauth: proxy %s: %w", at, err)
	}
	return conn, nil
}

func connect(ctx context.Context, conn net.Conn, proxy *url.URL, address string) (*http.Response, error) {
	req := (&http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}).WithContext(ctx)
	if u := proxy.User; u != nil {
		password, _ := u.Password()
		req.Header.Set("Proxy-Authorization", header(Basic, []byte(u.Username()+":"+password)))
	}
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	// One byte at a time, as what follows the answer isn't ours.
	return http.ReadResponse(bufio.NewReaderSize(io.LimitReader(oneByte{conn}, maxAnswer), 16), req)
}

// maxAnswer bounds a proxy's answer to CONNECT.
const maxAnswer = 64 << 10

type oneByte struct{ net.Conn }

func (c oneByte) Read(b []byte) (int, error) { return c.Conn.Read(b[:min(1, len(b))]) }
