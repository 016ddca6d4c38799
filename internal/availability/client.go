package availability

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/opencdo/opencdo/mapi"
)

// Client asks a server when people are free.
type Client struct {
	URL       string // of Exchange Web Services, as Autodiscover tells it
	HTTP      *http.Client
	Authorize func(*http.Request) error // adds credentials; nil: HTTP does
}

// window is the longest time that Exchange tells about at once (its default: 42 days).
const window = 42 * 24 * time.Hour

// maxWindows bounds how often one question asks.
const maxWindows = 100

// FreeBusy lists when the owner of an SMTP address isn't free between two times.
func (c *Client) FreeBusy(ctx context.Context, address string, from, to time.Time) ([]mapi.Busy, error) {
	if to.Sub(from) > maxWindows*window {
		return nil, &mapi.Error{Op: "read free/busy", Object: address, Code: mapi.ErrTooComplex, Err: errors.New("too long a time")}
	}
	var list []mapi.Busy
	for from.Before(to) {
		end := from.Add(window)
		if end.After(to) {
			end = to
		}
		some, err := c.ask(ctx, address, from, end)
		if err != nil {
			return nil, fmt.Errorf("free/busy of %s: %w", address, err)
		}
		for _, b := range some {
			if n := len(list); n > 0 && list[n-1] == b { // it reaches across the border of two windows
				continue
			}
			list = append(list, b)
		}
		from = end
	}
	return list, nil
}

func (c *Client) ask(ctx context.Context, address string, from, to time.Time) ([]mapi.Busy, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(encodeRequest(address, from, to)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.Header.Set("SOAPAction", `"`+messagesSpace+`/GetUserAvailability"`)
	if c.Authorize != nil {
		if err := c.Authorize(req); err != nil {
			return nil, err
		}
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK, http.StatusInternalServerError: // a fault
	case http.StatusUnauthorized:
		return nil, &mapi.Error{Op: "read free/busy", Code: mapi.ErrLogonFailed, Err: errors.New("HTTP status 401")}
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return nil, &mapi.Error{Op: "read free/busy", Code: mapi.ErrNoSupport, Err: fmt.Errorf("HTTP status %s", res.Status)}
	default:
		return nil, &mapi.Error{Op: "read free/busy", Code: mapi.ErrNetwork, Err: fmt.Errorf("HTTP status %s", res.Status)}
	}
	var r response
	if err := decode(res.Body, "GetUserAvailabilityResponse", &r); err != nil {
		return nil, err
	}
	if len(r.List) != 1 {
		return nil, fmt.Errorf("%w: %d answers about one person", errDocument, len(r.List))
	}
	return r.List[0].periods(from)
}
