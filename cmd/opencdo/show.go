package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/retry"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

type showCmd struct {
	Store string `arg:"" help:"Address of an item or folder." placeholder:"STORE//PATH"`
	Props bool   `help:"Show every property."`
	JSON  bool   `name:"json" help:"Print facts for programs."`
}

func (showCmd) Help() string {
	return "Examples:\n  opencdo show local:alice.db//Inbox/#3\n  opencdo show \"local:alice.db//Inbox/Minutes of Monday\" --props\n  opencdo show local:alice.db//Inbox --props"
}

// objectFact is an item, recipient, attachment or folder in JSON.
type objectFact struct {
	Properties  []propFact   `json:"properties"`
	Recipients  []objectFact `json:"recipients,omitempty"`
	Attachments []objectFact `json:"attachments,omitempty"`
	Item        *objectFact  `json:"item,omitempty"` // of an embedded message
}

type propFact struct {
	Name  string `json:"name"`
	Key   string `json:"key"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

// Run shows an item or a folder.
func (c showCmd) Run(ctx context.Context, a *app) error {
	st, p, err := a.openPlace(ctx, c.Store, reading)
	if err != nil {
		return err
	}
	defer st.Close()
	if p.Item == "" {
		ps, err := p.Folder.Props(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return a.json(objectFact{Properties: propFacts(ps)})
		}
		a.printProps("", ps)
		return nil
	}
	var b mapi.ItemBuilder
	err = retry.Policy{}.Do(ctx, func(int) error { // a connection that breaks in the middle of an item is for readers to mend
		b = mapi.ItemBuilder{Spool: sizeOnly}
		return p.Folder.Read(ctx, p.Item, &b)
	})
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		return a.json(itemFacts(&b.Item))
	case c.Props:
		a.printItem("", &b.Item)
	default:
		a.printMessage(&b.Item)
	}
	return nil
}

// sizeOnly keeps the beginning of a large value, and how large it is.
func sizeOnly(_ mapi.Key, _ int64, r io.Reader) (mapi.Blob, error) {
	head := make([]byte, bodyShown)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	rest, err := io.Copy(io.Discard, r)
	return largeValue{mapi.MemBlob(head[:n]), int64(n) + rest}, err
}

// bodyShown is how much of a body is shown: nobody reads more on a terminal.
const bodyShown = 64 << 10

type largeValue struct {
	mapi.MemBlob // its beginning
	size         int64
}

func (v largeValue) Size() int64    { return v.size }
func (v largeValue) String() string { return size(v.size) }

func propName(k mapi.Key) string {
	return cmp.Or(pid.Name(k), pid.MAPIName(k.Tag), k.String())
}

func propFacts(ps mapi.Props) []propFact {
	facts := make([]propFact, len(ps))
	for i, p := range ps {
		facts[i] = propFact{propName(p.Key), p.Key.String(), p.Key.Type().String(), compare.Show(p.Value)}
	}
	return facts
}

func itemFacts(it *mapi.Item) objectFact {
	f := objectFact{Properties: propFacts(it.Props)}
	for _, r := range it.Recipients {
		f.Recipients = append(f.Recipients, objectFact{Properties: propFacts(r)})
	}
	for _, at := range it.Attachments {
		x := objectFact{Properties: propFacts(at.Props)}
		if at.Embedded != nil {
			e := itemFacts(at.Embedded)
			x.Item = &e
		}
		f.Attachments = append(f.Attachments, x)
	}
	return f
}

func (a *app) printProps(indent string, ps mapi.Props) {
	for _, p := range ps {
		a.printf("%s%-40s %s", indent, propName(p.Key), clean(compare.Show(p.Value)))
	}
}

func (a *app) printItem(indent string, it *mapi.Item) {
	a.printProps(indent, it.Props)
	for i, r := range it.Recipients {
		a.printf("%srecipient %d", indent, i+1)
		a.printProps(indent+"  ", r)
	}
	for i, at := range it.Attachments {
		a.printf("%sattachment %d", indent, i+1)
		a.printProps(indent+"  ", at.Props)
		if at.Embedded != nil {
			a.printf("%s  embedded item", indent)
			a.printItem(indent+"    ", at.Embedded)
		}
	}
}

// printMessage shows an item as a mail program would.
func (a *app) printMessage(it *mapi.Item) {
	line := func(name, value string) {
		if value != "" {
			a.printf("%-12s %s", name+":", clean(value))
		}
	}
	ps := it.Props
	from := ps.Text(pid.TagSenderName)
	if s := cmp.Or(ps.Text(pid.TagSenderSmtpAddress), ps.Text(pid.TagSenderEmailAddress)); s != "" && s != from {
		from = strings.TrimSpace(from + " <" + s + ">")
	}
	line("From", from)
	for _, kind := range []struct {
		name string
		code int32
	}{{"To", 1}, {"Cc", 2}, {"Bcc", 3}} {
		var names []string
		for _, r := range it.Recipients {
			if t, _ := r.Tag(pid.TagRecipientType).(int32); t&0xF == kind.code {
				names = append(names, cmp.Or(r.Text(pid.TagDisplayName), r.Text(pid.TagEmailAddress)))
			}
		}
		line(kind.name, strings.Join(names, "; "))
	}
	line("Subject", cmp.Or(ps.Text(pid.TagSubject), ps.Text(pid.TagSubjectPrefix)+ps.Text(pid.TagNormalizedSubject)))
	if t, ok := ps.Tag(pid.TagClientSubmitTime).(mapi.FileTime); ok {
		line("Sent", t.Time().Local().Format("2006-01-02 15:04:05"))
	}
	if t, ok := ps.Tag(pid.TagMessageDeliveryTime).(mapi.FileTime); ok {
		line("Received", t.Time().Local().Format("2006-01-02 15:04:05"))
	}
	line("Class", ps.Text(pid.TagMessageClass))
	for _, at := range it.Attachments {
		name := cmp.Or(at.Props.Text(pid.TagAttachLongFilename), at.Props.Text(pid.TagAttachFilename), at.Props.Text(pid.TagDisplayName))
		note := ""
		switch v := at.Props.Tag(pid.TagAttachDataBinary).(type) {
		case []byte:
			note = size(int64(len(v)))
		case mapi.Blob:
			note = size(v.Size())
		}
		if at.Embedded != nil {
			note = "an item: " + cmp.Or(at.Embedded.Props.Text(pid.TagSubject), at.Embedded.Props.Text(pid.TagNormalizedSubject))
		}
		line("Attachment", fmt.Sprintf("%s (%s)", name, note))
	}
	if body := bodyText(ps); body != "" {
		a.printf("")
		for _, l := range strings.Split(strings.ReplaceAll(body, "\r\n", "\n"), "\n") {
			a.printf("%s", clean(l))
		}
	}
}

// bodyText is the plain body, or a word about the others.
func bodyText(ps mapi.Props) string {
	if s := ps.Text(pid.TagBody); s != "" {
		return s
	}
	if v, ok := ps.Tag(pid.TagBody).(largeValue); ok {
		return mapi.DecodeUTF16(v.MemBlob) + fmt.Sprintf("\n… (%s in all)", v)
	}
	switch {
	case ps.Tag(pid.TagHtml) != nil:
		return "(HTML body; --props shows its beginning)"
	case ps.Tag(pid.TagRtfCompressed) != nil:
		return "(RTF body)"
	}
	return ""
}

type diffCmd struct {
	A    string `arg:"" help:"A store, or a folder in one." placeholder:"STORE"`
	B    string `arg:"" help:"The store to compare it with." placeholder:"STORE"`
	Jobs int    `help:"How many items to read at once from each store." default:"2" placeholder:"N"`
	JSON bool   `name:"json" help:"Print facts for programs."`
}

func (diffCmd) Help() string {
	return "Compares folders, items, recipients, attachments and embedded items, property by property. What stores compute themselves (ids, sizes, change numbers) is left out; docs/cli.md has the table. Ends with exit code 3 when there are differences.\n\nExamples:\n  opencdo diff exchange:alice@contoso.test@mail.contoso.test snapshot:/backup#latest/alice@contoso.test\n  opencdo diff local:a.db//Inbox local:b.db//Inbox"
}

// Run compares two stores.
func (c diffCmd) Run(ctx context.Context, a *app) error {
	stA, placeA, err := a.openPlace(ctx, c.A, reading)
	if err != nil {
		return err
	}
	defer stA.Close()
	stB, placeB, err := a.openPlace(ctx, c.B, reading)
	if err != nil {
		return err
	}
	defer stB.Close()
	if placeA.Item != "" || placeB.Item != "" {
		return usage("diff compares stores or folders, not single items")
	}
	opt := compare.Options{Workers: c.Jobs, Progress: func(p compare.Progress) { a.progress.show(p.Folder, p.Items, 0, 0) }}
	if placeA.Path != "" || placeB.Path != "" {
		opt.A, opt.B = placeA.Folder.ID(), placeB.Folder.ID()
	}
	r, err := compare.Stores(ctx, stA, stB, opt)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := a.json(r); err != nil {
			return err
		}
	} else {
		a.printDifferences(r)
		a.printf("%d folders, %d items compared, %d differences", r.Folders, r.Items, r.Count)
	}
	if r.Count > 0 {
		return incomplete{fmt.Sprintf("the stores differ in %d places", r.Count)}
	}
	return nil
}

func (a *app) printDifferences(r *compare.Report) {
	for _, d := range r.Differences {
		a.printDifference(d)
	}
	if more := r.Count - len(r.Differences); more > 0 {
		a.printf("… and %d more", more)
	}
}

func (a *app) printDifference(d compare.Difference) {
	what := d.Folder
	if d.Item != "" {
		what += ": " + d.Item
	}
	if d.List != "" {
		what += " [" + d.List + "]"
	}
	a.printf("%s: %s", clean(what), d.Reason)
	for _, x := range d.Deltas {
		where := ""
		if x.Where != "" {
			where = x.Where + ": "
		}
		a.printf("    %s%s: %s | %s", where, x.What, clean(cmp.Or(x.A, "-")), clean(cmp.Or(x.B, "-")))
	}
}
