package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"syscall"

	"github.com/opencdo/opencdo/internal/restic"
)

// restStore speaks restic's REST protocol ("REST Backend" in restic's documentation), version 2 with servers that have it.
// A server writes a file under another name first, so that it appears whole.
type restStore struct {
	addr   Address
	conf   Config
	base   url.URL
	client *http.Client
}

const (
	restV2       = "application/vnd.x.restic.rest.v2"
	restMaxError = 1 << 10 // of a server's text about an error
)

func newREST(a Address, c Config) (*restStore, error) {
	t, err := c.transport()
	if err != nil {
		return nil, err
	}
	if a.User == "" {
		a.User = c.Getenv(envRESTUser)
	}
	r := &restStore{addr: a, conf: c, base: url.URL{Scheme: "http", Host: a.Host, Path: "/" + a.Path}, client: &http.Client{Transport: t}}
	if a.TLS {
		r.base.Scheme = "https"
	}
	return r, nil
}

// String is the address.
func (r *restStore) String() string { return r.addr.String() }

// StatusError is what a server of the REST protocol answered instead of doing what it was asked for.
type StatusError struct {
	Code int    // of HTTP
	Text string // the server's, shortened
}

func (e *StatusError) Error() string {
	text := strconv.Itoa(e.Code) + " " + http.StatusText(e.Code)
	if e.Text != "" {
		text += ": " + e.Text
	}
	return "the server answered " + text
}

// Temporary tells whether asking again may help.
func (e *StatusError) Temporary() bool {
	switch e.Code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported, http.StatusInsufficientStorage:
		return false
	}
	return e.Code >= 500
}

// Is lets errors.Is find what the code means.
func (e *StatusError) Is(target error) bool {
	switch e.Code {
	case http.StatusNotFound:
		return target == fs.ErrNotExist
	case http.StatusForbidden:
		return target == fs.ErrPermission
	case http.StatusInsufficientStorage, http.StatusRequestEntityTooLarge:
		return target == syscall.ENOSPC
	}
	return false
}

// do sends a request. The answer's body is the caller's to close, and is there for codes that mean success only.
func (r *restStore) do(ctx context.Context, method string, at string, query url.Values, header http.Header, body *io.SectionReader) (*http.Response, error) {
	u := r.base
	u.Path = path.Join(u.Path, at)
	if len(at) == 0 || at[len(at)-1] == '/' {
		u.Path += "/"
	}
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if header != nil {
		req.Header = header
	}
	if body != nil {
		req.Body, req.ContentLength = io.NopCloser(body), body.Size()
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(body, 0, body.Size())), nil }
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	if r.addr.User != "" {
		password := r.conf.Getenv(envRESTPassword)
		if password == "" {
			if password, err = r.conf.secret(ctx, r.addr.SecretName()); err != nil {
				return nil, logonFailed(r.addr, err)
			}
		}
		req.SetBasicAuth(r.addr.User, password)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp, nil
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, restMaxError))
	closeBody(resp)
	failure := &StatusError{Code: resp.StatusCode}
	if t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); t == "text/plain" {
		failure.Text = firstLine(text)
	}
	if resp.StatusCode == http.StatusUnauthorized {
		return nil, logonFailed(r.addr, failure)
	}
	return nil, failure
}

func firstLine(text []byte) string {
	for i, c := range text {
		if c < ' ' || c > '~' {
			return string(text[:i])
		}
	}
	return string(text)
}

// closeBody lets the connection be used again.
func closeBody(resp *http.Response) {
	io.CopyN(io.Discard, resp.Body, restMaxError)
	resp.Body.Close()
}

// restPath is a file's path: as in the default layout, but packs aren't in subdirectories.
func restPath(h restic.Handle) string {
	if h.Type == restic.PackFile {
		return "data/" + h.ID.String()
	}
	return h.String()
}

// Init implements [restic.Backend].
func (r *restStore) Init(ctx context.Context) error {
	resp, err := r.do(ctx, http.MethodPost, "", url.Values{"create": {"true"}}, nil, nil)
	if err == nil {
		closeBody(resp)
	}
	return err
}

// Save implements [restic.Backend]. Servers refuse to write a file again; that it is there, with the length it should have,
// is as good: its name tells its content.
func (r *restStore) Save(ctx context.Context, h restic.Handle, data *io.SectionReader) error {
	resp, err := r.do(ctx, http.MethodPost, restPath(h), nil, http.Header{"Accept": {restV2}}, data)
	if err == nil {
		closeBody(resp)
		return nil
	}
	var status *StatusError
	if h.Type != restic.ConfigFile && errors.As(err, &status) && (status.Code == http.StatusForbidden || status.Code == http.StatusConflict) {
		if fi, serr := r.Stat(ctx, h); serr == nil && fi.Size == data.Size() {
			return nil
		}
	}
	return fmt.Errorf("save %v: %w", h, err)
}

// Load implements [restic.Backend].
func (r *restStore) Load(ctx context.Context, h restic.Handle, offset int64, length int) (io.ReadCloser, error) {
	header := http.Header{"Accept": {restV2}}
	if offset != 0 || length != 0 {
		header.Set("Range", byteRange(offset, length))
	}
	resp, err := r.do(ctx, http.MethodGet, restPath(h), nil, header, nil)
	if err != nil {
		return nil, err
	}
	if header.Get("Range") != "" && resp.StatusCode != http.StatusPartialContent {
		resp.Body.Close()
		return nil, fmt.Errorf("load %v: the server doesn't give parts of files", h)
	}
	return resp.Body, nil
}

// byteRange is the value of a Range header (RFC 9110, 14.1.2).
func byteRange(offset int64, length int) string {
	if length == 0 {
		return fmt.Sprintf("bytes=%d-", offset)
	}
	return fmt.Sprintf("bytes=%d-%d", offset, offset+int64(length)-1)
}

// Stat implements [restic.Backend].
func (r *restStore) Stat(ctx context.Context, h restic.Handle) (restic.FileInfo, error) {
	resp, err := r.do(ctx, http.MethodHead, restPath(h), nil, http.Header{"Accept": {restV2}}, nil)
	if err != nil {
		return restic.FileInfo{}, err
	}
	closeBody(resp)
	if resp.ContentLength < 0 {
		return restic.FileInfo{}, fmt.Errorf("look at %v: the server tells no length", h)
	}
	return restic.FileInfo{Handle: h, Size: resp.ContentLength}, nil
}

// List implements [restic.Backend]. The protocol knows no pages; the list is read as it comes.
func (r *restStore) List(ctx context.Context, t restic.FileType) iter.Seq2[restic.FileInfo, error] {
	return func(yield func(restic.FileInfo, error) bool) {
		dir := path.Dir(restPath(restic.Handle{Type: t})) + "/"
		resp, err := r.do(ctx, http.MethodGet, dir, nil, http.Header{"Accept": {restV2}}, nil)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err == nil {
			defer resp.Body.Close()
			d := json.NewDecoder(resp.Body)
			if media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); media == restV2 {
				err = eachElement(d, func(e struct {
					Name string
					Size int64
				}) (bool, error) {
					id, err := restic.ParseID(e.Name)
					return err != nil || yield(restic.FileInfo{Handle: restic.Handle{Type: t, ID: id}, Size: e.Size}, nil), nil
				})
			} else {
				err = eachElement(d, func(name string) (bool, error) {
					id, err := restic.ParseID(name)
					if err != nil {
						return true, nil
					}
					fi, err := r.Stat(ctx, restic.Handle{Type: t, ID: id}) // version 1 tells names only
					if errors.Is(err, fs.ErrNotExist) {
						return true, nil
					}
					return err == nil && yield(fi, nil), err
				})
			}
		}
		if err != nil {
			yield(restic.FileInfo{}, err)
		}
	}
}

// eachElement reads a JSON array element by element until f returns false or an error.
func eachElement[T any](d *json.Decoder, f func(T) (bool, error)) error {
	start, err := d.Token()
	if err != nil {
		return unexpected(err)
	}
	if start == nil { // null, for none
		return nil
	}
	if start != json.Delim('[') {
		return fmt.Errorf("the server's list begins with %v", start)
	}
	for d.More() {
		var e T
		if err := d.Decode(&e); err != nil {
			return unexpected(err)
		}
		if more, err := f(e); err != nil || !more {
			return err
		}
	}
	_, err = d.Token()
	return unexpected(err)
}

// unexpected makes the end of a list that isn't complete an error.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Remove implements [restic.Backend].
func (r *restStore) Remove(ctx context.Context, h restic.Handle) error {
	resp, err := r.do(ctx, http.MethodDelete, restPath(h), nil, http.Header{"Accept": {restV2}}, nil)
	if err == nil {
		closeBody(resp)
	}
	return err
}
