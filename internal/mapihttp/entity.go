package mapihttp

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Meta-tags of the response entity ([MS-OXCMAPIHTTP] 2.2.7), without line ends.
const (
	tagProcessing = "PROCESSING"
	tagPending    = "PENDING"
	tagDone       = "DONE"
)

const crlf = "\r\n"

// Limits of the additional headers, which the documents don't limit: servers
// send three or four short ones.
const (
	maxEntityLine    = 4096
	maxEntityHeaders = 32
)

// entityHeaders are the additional headers between DONE and the body. A second
// X-ResponseCode overrides that of the HTTP header.
type entityHeaders struct {
	Elapsed     time.Duration // X-ElapsedTime, whole milliseconds
	Start       time.Time     // X-StartTime, whole seconds; zero: absent
	Code        ResponseCode
	HasCode     bool
	ContentType string
}

// appendTo appends everything from DONE to the empty line before the body.
func (h *entityHeaders) appendTo(b []byte) []byte {
	b = append(b, tagDone+crlf...)
	if h.HasCode {
		b = append(b, headerResponseCode+": "...)
		b = strconv.AppendUint(b, uint64(h.Code), 10)
		b = append(b, crlf...)
	}
	if h.ContentType != "" {
		b = append(b, headerContentType+": "+h.ContentType+crlf...)
	}
	b = append(b, headerElapsedTime+": "...)
	b = strconv.AppendInt(b, h.Elapsed.Milliseconds(), 10)
	b = append(b, crlf+headerStartTime+": "...)
	b = h.Start.UTC().AppendFormat(b, http.TimeFormat)
	return append(b, crlf+crlf...)
}

// parseLine takes one additional header; those with no meaning here are skipped,
// and so are values that can't be read, except the one that decides on failure.
func (h *entityHeaders) parseLine(line []byte) error {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return &StreamError{What: "additional header without a colon"}
	}
	value = bytes.TrimSpace(value)
	switch name = bytes.TrimSpace(name); {
	case foldEqual(name, headerResponseCode):
		n, err := strconv.ParseUint(string(value), 10, 32)
		if err != nil {
			return &StreamError{What: "X-ResponseCode isn't a number"}
		}
		h.Code, h.HasCode = ResponseCode(n), true
	case foldEqual(name, headerContentType):
		h.ContentType = string(value)
	case foldEqual(name, headerElapsedTime):
		if n, err := strconv.ParseUint(string(value), 10, 32); err == nil {
			h.Elapsed = time.Duration(n) * time.Millisecond
		}
	case foldEqual(name, headerStartTime):
		if t, err := time.Parse(http.TimeFormat, string(value)); err == nil {
			h.Start = t
		}
	}
	return nil
}

func foldEqual(b []byte, s string) bool { return len(b) == len(s) && bytes.EqualFold(b, []byte(s)) }

// entityReader parses the joined chunks of an answer.
type entityReader struct {
	r   *bufio.Reader
	off int64
}

// read parses meta-tags and additional headers and appends the body to dst,
// which may grow to at most limit bytes. Tags may be split anywhere and PENDING
// may lack its line end (gromox). An entity without a single byte is an empty
// body: a PING's answer need not have meta-tags.
func (e *entityReader) read(dst []byte, limit int) (h entityHeaders, body []byte, err error) {
	if _, err := e.r.Peek(1); err == io.EOF {
		return h, dst, nil
	}
	for {
		tag, err := e.tag()
		if err != nil {
			return h, dst, err
		}
		if tag == tagDone {
			break
		}
	}
	for range maxEntityHeaders {
		line, err := e.line()
		if err != nil {
			return h, dst, err
		}
		if len(line) == 0 {
			body, err = e.rest(dst, limit)
			return h, body, err
		}
		if err := h.parseLine(line); err != nil {
			err.(*StreamError).Offset = e.off
			return h, dst, err
		}
	}
	return h, dst, &StreamError{Offset: e.off, What: "too many additional headers"}
}

// tag reads one meta-tag and the line end after it, if there is one.
func (e *entityReader) tag() (string, error) {
	for _, tag := range []string{tagProcessing, tagPending, tagDone} {
		head, err := e.r.Peek(2) // enough to tell the tags apart
		if err != nil {
			return "", unexpectedEOF(err)
		}
		if tag[:2] != string(head) {
			continue
		}
		word, err := e.r.Peek(len(tag))
		if err != nil {
			return "", unexpectedEOF(err)
		}
		if tag != string(word) {
			break
		}
		e.discard(len(tag))
		return tag, e.lineEnd()
	}
	return "", &StreamError{Offset: e.off, What: "neither PROCESSING nor PENDING nor DONE"}
}

func (e *entityReader) lineEnd() error {
	for _, c := range []byte(crlf) {
		b, err := e.r.Peek(1)
		if err != nil {
			return unexpectedEOF(err)
		}
		if b[0] == c {
			e.discard(1)
		}
	}
	return nil
}

// line reads up to the next LF; the result is valid until the next read.
func (e *entityReader) line() ([]byte, error) {
	line, err := e.r.ReadSlice('\n')
	e.off += int64(len(line))
	if err == bufio.ErrBufferFull {
		return nil, &StreamError{Offset: e.off, What: "additional header too long"}
	}
	if err != nil {
		return nil, unexpectedEOF(err)
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}

func (e *entityReader) rest(dst []byte, limit int) ([]byte, error) {
	for {
		if len(dst) > limit {
			return dst[:limit], ErrTooLarge
		}
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := e.r.Read(dst[len(dst):min(cap(dst), limit+1)])
		e.off += int64(n)
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			if len(dst) > limit {
				return dst[:limit], ErrTooLarge
			}
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
}

func (e *entityReader) discard(n int) {
	e.r.Discard(n) // n bytes were peeked
	e.off += int64(n)
}

func unexpectedEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
