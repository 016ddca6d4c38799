package mime

import (
	"bytes"
	"cmp"
	"io"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// reportClass is the class of a report, from its machine-readable part ([MS-OXCMAIL] 2.2.3.7.1.1, 2.2.3.7.2); "" when
// there is none that is understood.
func reportClass(root *part) string {
	for _, c := range root.children {
		switch c.contentType() {
		case "message/delivery-status":
			if worst := worstAction(statusFields(c)); worst != "" {
				return "REPORT." + classNote + actions[worst].class
			}
		case "message/disposition-notification":
			for _, h := range statusFields(c) {
				_, kind, _ := strings.Cut(strings.ToLower(h.get("Disposition")), ";")
				kind, _, _ = strings.Cut(strings.TrimSpace(kind), "/")
				switch kind {
				case "displayed", "dispatched", "processed":
					return "REPORT." + classNote + ".IPNRN"
				case "deleted", "denied", "failed":
					return "REPORT." + classNote + ".IPNNRN"
				}
			}
		}
	}
	return ""
}

// actions are the values of Action in a delivery status ([RFC3464] 2.3.3), by severity.
var actions = map[string]struct {
	class    string
	severity int
}{
	"failed": {".NDR", 5}, "delayed": {".Delayed.DR", 4}, "relayed": {".Relayed.DR", 3}, "expanded": {".Expanded.DR", 2},
	"delivered": {".DR", 1},
}

func worstAction(blocks []header) (worst string) {
	for _, h := range blocks {
		if a := action(h); actions[a].severity > actions[worst].severity {
			worst = a
		}
	}
	return worst
}

func action(h header) string {
	word, _, _ := strings.Cut(strings.ToLower(h.get("Action")), " ")
	return word
}

// maxStatus bounds a machine-readable report, which is held in memory.
const maxStatus = 4 << 20

// statusFields reads the blocks of fields of a delivery status or disposition notification.
func statusFields(t *part) (blocks []header) {
	text, err := io.ReadAll(io.LimitReader(t.decoder(), maxStatus))
	if err != nil {
		return nil
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	for _, b := range bytes.Split(text, []byte("\n\n")) {
		if h := parseHeader(bytes.TrimLeft(b, "\n")); h != nil {
			blocks = append(blocks, h)
		}
	}
	return blocks
}

// deliveryStatus sets what a report says of its recipients ([MS-OXCMAIL] 2.2.3.7.1).
func (b *builder) deliveryStatus(it *mapi.Item, root *part) error {
	for _, c := range root.children {
		if t := c.contentType(); t != "message/delivery-status" && t != "message/disposition-notification" {
			continue
		}
		blocks := statusFields(c)
		worst := worstAction(blocks)
		for _, h := range blocks {
			setText(&it.Props, pid.TagReportingMessageTransferAgent, h.get("Reporting-MTA"))
			setText(&it.Props, pid.TagOriginalMessageId, h.get("Original-Message-ID"))
			addr := cmp.Or(h.get("Final-Recipient"), h.get("Original-Recipient"))
			if addr == "" || worst == "" || action(h) != worst {
				continue
			}
			a := address{Name: decodeWords(h.get("X-Display-Name"), 0), Addr: afterType(addr)}
			p := b.recipient(it, a, recipientTo)
			setText(p, pid.TagRemoteMessageTransferAgent, afterType(h.get("Remote-MTA")))
			setText(p, pid.TagSupplementaryInfo, supplementaryInfo(h))
			if n := statusNumber(h.get("Status")); n != 0 {
				set(p, pid.TagNonDeliveryReportStatusCode, n)
			}
		}
	}
	return nil
}

// afterType cuts "dns;" or "rfc822;" off.
func afterType(s string) string {
	if _, v, ok := strings.Cut(s, ";"); ok {
		s = v
	}
	return strings.Trim(strings.TrimSpace(s), "<>")
}

// supplementaryInfo is the text about a recipient ([MS-OXCMAIL] 2.2.3.7.1).
func supplementaryInfo(h header) string {
	if s := h.get("X-Supplementary-Info"); s != "" {
		return decodeWords(s, 0)
	}
	var parts []string
	if mta := afterType(h.get("Remote-MTA")); mta != "" {
		parts = append(parts, mta)
	}
	status, _, _ := strings.Cut(h.get("Status"), " ")
	parts = append(parts, "#"+status)
	if d := h.get("Diagnostic-Code"); d != "" {
		parts = append(parts, decodeWords(d, 0))
	}
	if status == "" {
		return ""
	}
	return "<" + strings.Join(parts, " ") + ">"
}

// statusNumber is the three parts of a status as decimal digits: 5.1.1 is 511.
func statusNumber(s string) int32 {
	s, _, _ = strings.Cut(s, " ")
	var n int32
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9' && n < 1e7:
			n = n*10 + c - '0'
		case c != '.':
			return 0
		}
	}
	return n
}
