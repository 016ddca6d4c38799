package settings

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/opencdo/opencdo/mapi"
)

// UTF16 is the file as regedit writes it: UTF-16LE with a byte order mark, lines that end with CR LF.
func (d *Document) UTF16() []byte {
	return mapi.AppendUTF16([]byte{0xFF, 0xFE}, d.text("\r\n"))
}

// UTF8 is the file in UTF-8, for editors and version control; regedit reads that, too, as long as it is ASCII.
func (d *Document) UTF8() []byte { return []byte(d.text("\n")) }

func (d *Document) text(eol string) string {
	var b strings.Builder
	b.WriteString(header + eol)
	for _, k := range d.Keys {
		minus := ""
		if k.Delete {
			minus = "-"
		}
		b.WriteString(eol + "[" + minus + k.Path + "]" + eol)
		for _, v := range k.Values {
			name := "@="
			if v.Name != "" {
				name = quote(v.Name) + "="
			}
			b.WriteString(name)
			if v.Delete {
				b.WriteString("-")
			} else {
				v.Value.write(&b, utf8.RuneCountInString(name), eol)
			}
			b.WriteString(eol)
		}
	}
	return b.String()
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// wrapAt is the column after which regedit goes on in the next line.
const wrapAt = 77

// write writes the data that follows "name"=, which ends in a column.
func (v Value) write(b *strings.Builder, column int, eol string) {
	if s, ok := v.plainText(); ok && writable(s) {
		b.WriteString(quote(s))
		return
	}
	if n, ok := v.Number(); ok && v.Type == TypeDWord {
		fmt.Fprintf(b, "dword:%08x", n)
		return
	}
	kind := "hex:"
	if v.Type != TypeBinary {
		kind = fmt.Sprintf("hex(%x):", uint32(v.Type))
	}
	b.WriteString(kind)
	column += len(kind)
	for i, c := range v.Data {
		fmt.Fprintf(b, "%02x", c)
		if i == len(v.Data)-1 {
			return
		}
		b.WriteByte(',')
		if column += len("00,"); column >= wrapAt {
			b.WriteString(`\` + eol + "  ")
			column = len("  ")
		}
	}
}

// writable tells whether a string can stand in quotes and be read by all. Line ends would depend on who copies the file;
// half surrogates have no form in UTF-8.
func writable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' })
}
