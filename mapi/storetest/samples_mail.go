package storetest

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func plainMail() *mapi.Item {
	it := message("IPM.Note", "", "Notes on the engine", ada,
		pid.TagBody, "Dear Björn,\r\n\r\nplease find my notes below.\r\n\r\nAda\r\n", pid.TagNativeBody, int32(1),
		pid.TagDisplayTo, bjorn.name, pid.TagDisplayCc, "", pid.TagDisplayBcc, "",
		pid.TagTransportMessageHeaders, "Received: from mail.example.com\r\nSubject: Notes on the engine\r\nX-Empty:\r\n\r\n",
		mapi.NamedKey(mapi.PropName{Set: mapi.PSInternetHeaders, Name: "x-mailer"}, mapi.TypeString), "Difference 1.0")
	it.Recipients = []mapi.Props{bjorn.recipient(0, to)}
	return it
}

func htmlMail() *mapi.Item {
	it := message("IPM.Note", "RE: ", "Figures for March", bjorn,
		pid.TagHtml, []byte("<html><head><meta charset=\"utf-8\"></head><body><p>See <img src=\"cid:chart@example\"> — und <b>Grüße</b></p></body></html>"),
		pid.TagNativeBody, int32(3), pid.TagDisplayTo, ada.name+"; "+chiyoko.name, pid.TagHasAttachments, true,
		pid.TagInReplyToId, "<1@example.com>", pid.TagInternetReferences, "<0@example.com> <1@example.com>")
	it.Recipients = []mapi.Props{ada.recipient(0, to), chiyoko.recipient(1, to), bjorn.recipient(2, bcc)}
	it.Attachments = []*mapi.Attachment{
		file(0, "chart.png", "image/png", append([]byte("\x89PNG\r\n\x1A\n"), seeded("png", 3000)...),
			pid.TagAttachContentId, "chart@example", pid.TagAttachFlags, int32(4)),
		file(1, "Bericht für März — 数字.pdf", "application/pdf", append([]byte("%PDF-1.7\n"), seeded("pdf", 90_000)...)),
		file(2, "empty.txt", "text/plain", []byte{}),
		file(3, "no extension", "application/octet-stream", []byte{0}),
	}
	return it
}

func scriptsMail() *mapi.Item {
	it := message("IPM.Note", "", "日本語 — עברית العربية ру́сский ไทย 👩‍👩‍👧‍👦 𝔘", chiyoko,
		pid.TagBody, strings.Repeat("こんにちは、世界。\r\n👋🏽 שלום\r\n", 40)+"half a character: \xED\xA0\xBD",
		pid.TagDisplayTo, bjorn.name+"; Ω≈ç√", pid.TagInternetCodepage, int32(50220))
	it.Recipients = []mapi.Props{bjorn.recipient(0, to), person{"Ω≈ç√", "omega@пример.example"}.recipient(1, cc)}
	return it
}

// string8Mail has its strings in code page 1252, as old stores do.
func string8Mail() *mapi.Item {
	t8 := func(t mapi.Tag) mapi.Tag { return t.WithType(mapi.TypeString8) }
	s8 := func(s string) mapi.String8 { return mapi.String8(s) }
	return &mapi.Item{
		Props: props(t8(pid.TagMessageClass), s8("IPM.Note"), t8(pid.TagSubject), s8("Gr\xFC\xDFe \x80 100"),
			t8(pid.TagSubjectPrefix), s8(""), t8(pid.TagNormalizedSubject), s8("Gr\xFC\xDFe \x80 100"),
			t8(pid.TagBody), s8("Sch\xF6ne Gr\xFC\xDFe\r\n"), t8(pid.TagSenderName), s8("Bj\xF6rn"),
			pid.TagMessageCodepage, int32(1252), pid.TagInternetCodepage, int32(28591), pid.TagMessageFlags, int32(1),
			pid.TagClientSubmitTime, at(7, 0), pid.TagMessageDeliveryTime, at(7, 1)),
		Recipients: []mapi.Props{props(pid.TagRowid, int32(0), pid.TagRecipientType, to, t8(pid.TagDisplayName), s8("J\xFCrgen"),
			t8(pid.TagAddressType), s8("SMTP"), t8(pid.TagEmailAddress), s8("juergen@example.com"))},
	}
}

func rtfMail() *mapi.Item {
	rtf := `{\rtf1\ansi\ansicpg1252\fromtext \fbidi \deff0{\fonttbl{\f0\fswiss Arial;}}\uc1\pard\plain\deftab360 \f0\fs20 Plain \b bold\b0 text \'e4\par}`
	// [MS-OXRTFCP] 2.1.3.1: uncompressed, so that the bytes can be read here.
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(rtf)+12))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(rtf)))
	b = binary.LittleEndian.AppendUint32(b, 0x414C454D)
	b = binary.LittleEndian.AppendUint32(b, 0)
	it := message("IPM.Note", "", "Formatted", ada, pid.TagRtfCompressed, append(b, rtf...), pid.TagRtfInSync, true,
		pid.TagNativeBody, int32(2), pid.TagDisplayTo, bjorn.name, pid.TagReadReceiptRequested, true)
	it.Recipients = []mapi.Props{bjorn.recipient(0, to)}
	return it
}

func forwardedMail() *mapi.Item {
	it := message("IPM.Note", "FW: ", "Three letters", ada, pid.TagBody, "In one another.\r\n", pid.TagHasAttachments, true)
	inner := htmlMail()
	inner.Attachments = append(inner.Attachments, embedded(4, appointment()))
	it.Attachments = []*mapi.Attachment{embedded(0, inner), file(1, "cover.txt", "text/plain", []byte("cover")), embedded(2, plainMail())}
	it.Recipients = []mapi.Props{chiyoko.recipient(0, to)}
	return it
}

func mailToMany(n int) *mapi.Item {
	it := message("IPM.Note", "", "To everybody", ada, pid.TagBody, "Hello all\r\n")
	for i := range n {
		it.Recipients = append(it.Recipients, person{fmt.Sprintf("Reader %d", i), fmt.Sprintf("reader%d@example.com", i)}.recipient(i, int32(i%3)+to))
	}
	return it
}

func draft() *mapi.Item {
	return &mapi.Item{Props: props(pid.TagMessageClass, "IPM.Note", pid.TagSubject, "", pid.TagBody, "",
		pid.TagMessageFlags, int32(9), pid.TagCreationTime, at(12, 0), pid.TagLastModificationTime, at(12, 5))}
}

func undeliverable() *mapi.Item {
	it := message("REPORT.IPM.Note.NDR", "Undeliverable: ", "To nobody", person{"Mail Delivery System", "postmaster@example.com"},
		pid.TagOriginalSubject, "To nobody", pid.TagReportTag, seeded("report", 48), pid.TagReportText, "nobody@example.com: unknown",
		pid.TagOriginalMessageClass, "IPM.Note", pid.TagOriginalSubmitTime, at(9, 0), pid.TagReportTime, at(9, 1))
	failed := person{"nobody", "nobody@example.com"}.recipient(0, to)
	failed = append(failed, props(pid.TagNonDeliveryReportReasonCode, int32(1), pid.TagNonDeliveryReportDiagCode, int32(1),
		pid.TagNonDeliveryReportStatusCode, int32(511), pid.TagSupplementaryInfo, "<mail.example.com #5.1.1>")...)
	it.Recipients = []mapi.Props{failed}
	it.Attachments = []*mapi.Attachment{embedded(0, plainMail())}
	return it
}

func signedMail() *mapi.Item {
	it := message("IPM.Note.SMIME.MultipartSigned", "", "Signed", bjorn, pid.TagHasAttachments, true)
	body := "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b\r\n" +
		"Content-Type: application/pkcs7-signature\r\n\r\nMII=\r\n--b--\r\n"
	it.Attachments = []*mapi.Attachment{file(0, "smime.p7m", "multipart/signed", []byte(body))}
	it.Recipients = []mapi.Props{ada.recipient(0, to)}
	return it
}

func flaggedMail() *mapi.Item {
	return message("IPM.Note", "", "Follow up", bjorn, pid.TagBody, "…\r\n", pid.TagFlagStatus, int32(2),
		pid.LidFlagRequest, "Follow up", pid.LidTaskDueDate, at(17, 0), pid.LidReminderSet, true, pid.LidReminderTime, at(16, 0),
		pid.NameKeywords, []string{"Red Category", "büro", "仕事"}, pid.LidCompanies, []string{"Example & Sons", ""},
		pid.TagImportance, int32(2), pid.TagIconIndex, int32(-1), pid.TagLastVerbExecuted, int32(102), pid.TagLastVerbExecutionTime, at(10, 0))
}

func oleMail() *mapi.Item {
	it := message("IPM.Note", "", "With a drawing", ada, pid.TagRtfInSync, true)
	it.Attachments = []*mapi.Attachment{{Props: props(pid.TagAttachNumber, int32(0), pid.TagAttachMethod, int32(6),
		pid.TagDisplayName, "Picture", pid.TagRenderingPosition, int32(12), pid.TagAttachTag, []byte("\x2A\x86\x48\x86\xF7\x14\x03\x0A\x03\x02\x01"),
		pid.TagAttachDataObject, mapi.Object(append([]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), seeded("ole", 2040)...)))}}
	return it
}
