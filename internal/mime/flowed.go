package mime

import "strings"

// unflow joins the lines of text in format=flowed ([RFC3676] 4): those that end in a blank go on in the next, if it is quoted as
// deeply. delSp says that the blank isn't part of the text.
func unflow(text string, delSp bool) string {
	var out strings.Builder
	open := -1 // how deeply the paragraph is quoted that goes on
	for line := range strings.Lines(text) {
		line, _ = strings.CutSuffix(line, "\n")
		line = strings.TrimSuffix(line, "\r")
		rest := strings.TrimLeft(line, ">")
		depth := len(line) - len(rest)
		rest = strings.TrimPrefix(rest, " ") // it protects what begins with ">", "From " or a blank
		signature := rest == "-- "
		if open >= 0 && (open != depth || signature) {
			out.WriteString("\r\n")
			open = -1
		}
		if open < 0 && depth > 0 {
			out.WriteString(strings.Repeat(">", depth) + " ")
		}
		if open = -1; strings.HasSuffix(rest, " ") && !signature {
			open = depth
			if delSp {
				rest = rest[:len(rest)-1]
			}
		}
		out.WriteString(rest)
		if open < 0 {
			out.WriteString("\r\n")
		}
	}
	if open >= 0 {
		out.WriteString("\r\n")
	}
	s := out.String()
	if !strings.HasSuffix(text, "\n") {
		s = strings.TrimSuffix(s, "\r\n")
	}
	return s
}

// flowed tells whether lines of a part are to be joined, and how.
func (t *part) flowed() (flowed, delSp bool) {
	return strings.EqualFold(t.param("format"), "flowed"), strings.EqualFold(t.param("delsp"), "yes")
}
