package mime

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// report writes a report ([MS-OXCMAIL] 2.1.3.6): text for people, fields for programs ([RFC3464], [RFC8098]), and the message that
// it is about if it is attached.
func (c *composer) report(it *mapi.Item, class string, depth int) (*node, error) {
	b, err := c.bodies(it)
	if err != nil {
		return nil, err
	}
	if len(b.parts) == 0 {
		if s := propText(&it.Props, pid.TagReportText); s != "" {
			b.parts = append(b.parts, (&body{text: s}).node(0))
		}
	}
	kind, fields := "delivery-status", ""
	switch {
	case strings.HasSuffix(class, ".IPNRN"):
		kind, fields = "disposition-notification", c.disposition(it, "displayed")
	case strings.HasSuffix(class, ".IPNNRN"):
		kind, fields = "disposition-notification", c.disposition(it, "deleted")
	default:
		fields = c.deliveryStatus(it, class)
	}
	status := &node{typ: "message/" + kind, encoding: "7bit", content: func(w io.Writer) error {
		_, err := io.WriteString(w, fields)
		return err
	}}
	n := multipartOf("report", b.node(), status)
	n.typ += "; report-type=" + kind
	first := true
	for _, a := range it.Attachments {
		if tag := propText(&a.Props, pid.TagAttachMimeTag); a.Embedded == nil && strings.EqualFold(tag, "message/"+kind) {
			data, err := attachmentData(&a.Props)
			if err != nil {
				return nil, err
			}
			as := &node{typ: status.typ, encoding: "7bit", content: func(w io.Writer) error { return copyBlob(w, data) }} // as it came
			if first {
				n.children[1], first = as, false
			} else {
				n.children = append(n.children, as)
			}
			continue
		}
		part, _, err := c.attachment(a, "", depth)
		if err != nil {
			return nil, err
		}
		if part != nil {
			n.children = append(n.children, part)
		}
	}
	return n, nil
}

// deliveryStatus is the content of a message/delivery-status.
func (c *composer) deliveryStatus(it *mapi.Item, class string) string {
	act, code := "failed", "5.0.0"
	for name, a := range actions { // the longest: .DR is the end of .Delayed.DR too
		if strings.HasSuffix(class, strings.ToUpper(a.class)) && (act == "failed" || len(a.class) > len(actions[act].class)) {
			act = name
		}
	}
	switch act {
	case "delivered", "relayed", "expanded":
		code = "2.0.0"
	case "delayed":
		code = "4.0.0"
	}
	p := &it.Props
	var h bytes.Buffer
	add := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&h, "%s: %s\r\n", name, fold(name, value))
		}
	}
	mta := propText(p, pid.TagReportingMessageTransferAgent)
	if mta == "" {
		mta = "dns; " + c.domain()
	}
	add("Reporting-MTA", headerText(mta))
	if d, ok := p.Tag(pid.TagReportTime).(mapi.FileTime); ok && plausible(d) {
		add("Arrival-Date", statusDate(d))
	}
	add("Original-Message-ID", headerText(propText(p, pid.TagOriginalMessageId)))
	for _, r := range it.Recipients {
		if !reportedAbout(&r) && slices.ContainsFunc(it.Recipients, func(r mapi.Props) bool { return reportedAbout(&r) }) {
			continue // who is told
		}
		h.WriteString("\r\n")
		a, _ := c.address(&r, recipientGroup)
		add("Final-Recipient", "rfc822; "+strings.TrimSuffix(addrOf(a), ">"))
		add("Action", act)
		status := code
		if n, ok := r.Tag(pid.TagNonDeliveryReportStatusCode).(int32); ok && n > 0 {
			status = dotted(n)
		}
		add("Status", status)
		add("Remote-MTA", mtaName(propText(&r, pid.TagRemoteMessageTransferAgent)))
		if s := propText(&r, pid.TagSupplementaryInfo); s != "" {
			add("X-Supplementary-Info", encodeText(s))
		}
		if s := propText(&r, pid.TagDisplayName); s != "" {
			add("X-Display-Name", encodeText(s))
		}
	}
	return h.String()
}

// isDeliveryReport tells of reports about delivery, not those about reading.
func isDeliveryReport(it *mapi.Item) bool {
	class := strings.ToUpper(it.Props.Text(pid.TagMessageClass))
	return strings.HasPrefix(class, "REPORT.") && (strings.HasSuffix(class, ".NDR") || strings.HasSuffix(class, ".DR"))
}

// reportedAbout tells of recipients whom a report is about: it says something of them.
func reportedAbout(r *mapi.Props) bool {
	for _, t := range []mapi.Tag{pid.TagNonDeliveryReportStatusCode, pid.TagNonDeliveryReportReasonCode, pid.TagSupplementaryInfo, pid.TagReportText, pid.TagDeliverTime, pid.TagReportTime} {
		if r.Tag(t) != nil {
			return true
		}
	}
	return false
}

func mtaName(s string) string {
	if s == "" {
		return ""
	}
	return "dns; " + headerText(s)
}

// domain is one that addresses can be in.
func (c *composer) domain() string {
	if c.o.Domain == "" {
		return noDomain
	}
	return c.o.Domain
}

// dotted is a status whose parts are the decimal digits of a number: 511 is 5.1.1 ([MS-OXOMSG] 2.2.2.34).
func dotted(n int32) string {
	s := fmt.Sprint(n)
	if len(s) < 3 {
		return "5.0.0"
	}
	return s[:1] + "." + s[1:2] + "." + s[2:]
}

// disposition is the content of a message/disposition-notification.
func (c *composer) disposition(it *mapi.Item, what string) string {
	var h bytes.Buffer
	p := &it.Props
	from, ok := c.address(p, sentRepresentingGroup)
	if !ok {
		from, _ = c.address(p, senderGroup)
	}
	fmt.Fprintf(&h, "Final-Recipient: rfc822; %s\r\n", strings.TrimSuffix(addrOf(from), ">"))
	fmt.Fprintf(&h, "Disposition: automatic-action/MDN-sent-automatically; %s\r\n", what)
	if s := headerText(propText(p, pid.TagOriginalMessageId)); s != "" {
		fmt.Fprintf(&h, "Original-Message-ID: %s\r\n", fold("Original-Message-ID", s))
	}
	return h.String()
}
