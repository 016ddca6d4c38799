package mapihttp

import (
	"html"
	"io"
	"strings"
)

// maxText limits the error text taken from a diagnostic page, in bytes.
const maxText = 300

// diagnostic reads what an error page says: its text without the tags, heading
// and white space. What can't be read counts as empty, since the page only
// explains an error that is known already.
func diagnostic(r io.Reader) string {
	page, _ := io.ReadAll(io.LimitReader(r, maxDiagnostic))
	s := string(page)
	if _, body, ok := cutFold(s, "<body"); ok {
		_, s, _ = strings.Cut(body, ">")
	}
	var b strings.Builder
	for s != "" && b.Len() < maxText {
		text, rest, _ := strings.Cut(s, "<")
		b.WriteString(text)
		b.WriteByte(' ')
		_, s, _ = strings.Cut(rest, ">")
	}
	text := strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
	text = strings.TrimSpace(strings.TrimPrefix(text, diagnosticHeading))
	if len(text) > maxText {
		text = text[:maxText]
	}
	return strings.ToValidUTF8(text, "")
}

func cutFold(s, sep string) (before, after string, found bool) {
	if i := strings.Index(strings.ToLower(s), sep); i >= 0 && i+len(sep) <= len(s) {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// diagnosticHeading is what servers set above the text.
const diagnosticHeading = "Diagnostic Information"

// diagnosticPage is the body of an answer with a non-zero X-ResponseCode
// ([MS-OXCMAPIHTTP] 2.2.2.2).
func diagnosticPage(e *ResponseCodeError) string {
	text := e.Text
	if text == "" {
		text = e.Code.String()
	}
	return "<html><head><title>MAPI OVER HTTP ERROR</title></head><body><h1>" + diagnosticHeading +
		"</h1><p>" + html.EscapeString(text) + "</p></body></html>"
}
