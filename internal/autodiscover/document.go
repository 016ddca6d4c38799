package autodiscover

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// Limits on documents, all far above what real ones need.
const (
	// maxDocument is in bytes: real ones have some KiB, with many alternative mailboxes some tens.
	maxDocument = 1 << 20
	// maxDepth is of nested elements: real documents have 6 (POX) to 10 (SOAP).
	maxDepth = 32
	// maxElements keeps a document of tiny elements from taking many times its size.
	maxElements = 20000
)

// What is wrong with a document that isn't even looked at; a *DocumentError wraps them.
var (
	ErrTooLarge    = errors.New("larger than 1 MiB")
	ErrTooDeep     = errors.New("elements are nested too deeply")
	ErrTooMany     = errors.New("too many elements")
	ErrDeclaration = errors.New("a document type declaration, which could define entities")
	errEmpty       = errors.New("empty")
)

// DocumentError is a document that can't be read.
type DocumentError struct {
	Format string // POX, SOAP or JSON
	Offset int64  // bytes before the error
	Err    error
}

func (e *DocumentError) Error() string {
	return fmt.Sprintf("autodiscover: %s document, offset %d: %v", e.Format, e.Offset, e.Err)
}

func (e *DocumentError) Unwrap() error { return e.Err }

// readDocument reads a document whole, if it isn't too large.
func readDocument(format string, r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	switch {
	case err != nil:
		return nil, &DocumentError{format, int64(len(b)), err}
	case len(b) > maxDocument:
		return nil, &DocumentError{format, maxDocument, ErrTooLarge}
	case len(bytes.TrimSpace(b)) == 0:
		return nil, &DocumentError{format, 0, errEmpty}
	}
	return b, nil
}

func decodeXML(format string, r io.Reader, doc any) error {
	b, err := readDocument(format, r)
	if err != nil {
		return err
	}
	g := &guard{Decoder: xml.NewDecoder(bytes.NewReader(b))}
	if err := xml.NewTokenDecoder(g).Decode(doc); err != nil {
		return &DocumentError{format, g.InputOffset(), err}
	}
	return nil
}

// guard gives the tokens of a document within its limits. Entities but XML's own five are errors of the Decoder.
type guard struct {
	*xml.Decoder
	depth, elements int
}

// Token implements xml.TokenReader; the Decoder above it resolves namespaces and matches tags.
func (g *guard) Token() (xml.Token, error) {
	t, err := g.RawToken()
	if err != nil {
		return nil, err
	}
	switch t.(type) {
	case xml.StartElement:
		g.depth++
		g.elements++
		switch {
		case g.depth > maxDepth:
			return nil, ErrTooDeep
		case g.elements > maxElements:
			return nil, ErrTooMany
		}
	case xml.EndElement:
		g.depth--
	case xml.Directive:
		return nil, ErrDeclaration
	}
	return t, nil
}

func encodeXML(doc any) ([]byte, error) {
	b, err := xml.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("autodiscover: %w", err)
	}
	return append([]byte(xml.Header), b...), nil
}

func decodeJSON(r io.Reader, doc any) error {
	b, err := readDocument(formatJSON, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, doc); err != nil {
		e := &DocumentError{formatJSON, 0, err}
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			e.Offset = syntax.Offset
		case errors.As(err, &kind):
			e.Offset = kind.Offset
		}
		return e
	}
	return nil
}
