// Package oxrtfex gives back the HTML or plain text that is encapsulated in RTF ([MS-OXRTFEX] 2.2), and the text of RTF that
// encapsulates nothing.
package oxrtfex

import (
	"fmt"

	"github.com/opencdo/opencdo/mapi"
)

// Kind is what an RTF document was made of.
type Kind uint8

// Kinds of documents.
const (
	Plain Kind = iota // RTF was what the author wrote
	Text              // plain text ([MS-OXRTFEX] 2.2.3.3)
	HTML              // HTML ([MS-OXRTFEX] 2.2.3.2)
)

// Document is the content of an RTF document, in UTF-8 with lines that end in CR LF.
type Document struct {
	Kind Kind
	// CodePage is the one that the RTF is in, \ansicpg.
	CodePage int
	// Text is the encapsulated HTML or text, or of other RTF its text.
	Text string
	// HTML is, of RTF that encapsulates nothing, the text with what is simple of its looks: bold, italic, underlined.
	HTML string
}

// maxDepth bounds the groups in groups; those of mail have some dozens.
const maxDepth = 4096

// Decode reads RTF. Damaged RTF gives what can be read of it; only what is no RTF at all, or nested without sense, is an error,
// which answers errors.Is for mapi.ErrCorruptData or mapi.ErrTooComplex.
func Decode(rtf []byte) (*Document, error) {
	r := newReader(rtf)
	if err := r.read(); err != nil {
		return nil, err
	}
	return r.document(), nil
}

func fail(code mapi.Code, offset int, reason string) error {
	return &mapi.Error{Op: "read RTF", Object: fmt.Sprintf("offset %d", offset), Code: code, Err: fmt.Errorf("%s", reason)}
}
