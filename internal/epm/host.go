package epm

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/opencdo/opencdo/internal/dcerpc"
)

// Service is a server with the TCP address that it listens on. Port 0 is a dynamic one, which clients find by the mapper.
type Service struct {
	Server  *dcerpc.Server
	Address string
}

// Host serves interfaces on TCP ports, with an endpoint mapper beside them.
type Host struct {
	Services []Service
	// Mapper is the endpoint mapper's address, ":135" for clients that can't be told another; empty: none.
	Mapper string
	// Others are endpoints that the mapper tells besides: those of ncacn_http.
	Others []Endpoint

	listeners []net.Listener
	servers   []*dcerpc.Server
}

// maxConns bounds the connections of a port, each of which may hold a request of some MiB.
const maxConns = 1024

// Listen opens the ports. Where it fails, none is open.
func (h *Host) Listen(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	endpoints := append([]Endpoint{}, h.Others...)
	for _, s := range h.Services {
		if err := h.open(ctx, s.Server, s.Address); err != nil {
			return err
		}
		for _, i := range s.Server.Interfaces {
			endpoints = append(endpoints, Endpoint{Interface: i.Syntax, Protocol: TCP, Port: portOf(h.listeners[len(h.listeners)-1])})
		}
	}
	if h.Mapper == "" {
		return nil
	}
	// Who asks where an interface is has nothing to authenticate for.
	return h.open(ctx, &dcerpc.Server{Interfaces: []*dcerpc.Interface{Mapper(endpoints)}}, h.Mapper)
}

func (h *Host) open(ctx context.Context, s *dcerpc.Server, address string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	h.listeners, h.servers = append(h.listeners, l), append(h.servers, s)
	return nil
}

func portOf(l net.Listener) uint16 { return l.Addr().(*net.TCPAddr).AddrPort().Port() }

// Ports are those of the services, in their order, then the mapper's, if there is one.
func (h *Host) Ports() (ports []uint16) {
	for _, l := range h.listeners {
		ports = append(ports, portOf(l))
	}
	return ports
}

// Close closes the ports; connections go on until the context of Serve ends.
func (h *Host) Close() error {
	var errs []error
	for _, l := range h.listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// Serve serves until ctx ends, and then ends all connections.
func (h *Host) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { h.Close() })()
	var wg sync.WaitGroup
	for i, l := range h.listeners {
		wg.Go(func() {
			if err := accept(ctx, l, h.servers[i]); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// acceptPause is how long nothing is accepted after an error that may pass, such as too many open files.
const acceptPause = 100 * time.Millisecond

func accept(ctx context.Context, l net.Listener, s *dcerpc.Server) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, maxConns)
	port := strconv.Itoa(int(portOf(l)))
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			if err == nil {
				conn.Close()
			}
			return nil
		}
		if err != nil {
			select {
			case <-time.After(acceptPause):
				continue
			case <-ctx.Done():
				return nil
			}
		}
		select {
		case slots <- struct{}{}:
		default:
			conn.Close()
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			s.ServeConn(ctx, conn, dcerpc.ConnInfo{Endpoint: port, Local: conn.LocalAddr(), Remote: conn.RemoteAddr()})
		})
	}
}
