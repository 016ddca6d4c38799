// Package mime converts between Internet messages (.eml files: [RFC5322], [RFC2045]) and items, as [MS-OXCMAIL] 2.1 and 2.2 map
// them: [Open] and [Read] make items, [Write] makes messages.
//
// # How it reads
//
// The structure of a message is found by the offsets of its parts, so that an attachment is a range of the file which is
// decoded when it is read: nothing large is held in memory. Of what mail libraries offer that is the one thing that is
// missing (they keep whole parts, or give each once in the order of the file, when an item needs its attachments last), and
// so are the header and the HTML byte for byte; what remains is small, and the standard library does part of it. They also want
// messages to be well-formed: of 273 that other projects test with, github.com/emersion/go-message 0.18.2 refuses 29 at their header
// and stops within 39 more (separators of mbox files, headers without an empty line, boundaries that are empty or long), by which 8
// lose attachments; github.com/jhillyerd/enmime loses attachments too. Here all are read.
//
// It reads what can be read: lines that end in LF, headers with blanks before colons, raw 8-bit text, addresses without
// quotes or commas, charsets that are missing, unknown or wrong (then text is UTF-8 if it can be, else Windows-1252), base64
// with other characters in between, multiparts without parts.
//
// # Damage
//
// A message that was cut short must not pass for a whole one. Reading fails with mapi.ErrCorruptData when an attachment has
// lost something for certain: base64 ends in the middle of a byte, or without padding at the end of the file; uuencode
// without its last line; the file ends in an attachment, or in the header of a part, although a delimiter has to follow. A
// missing closing delimiter alone, after text, is what some mailers forget: it is a sign (mapi.WarnPartial) that
// Options.Damage hears of, and so is what had to be skipped or guessed. Options.Damage may also take the damage and have all
// else. Not to be seen is a cut in a message of one part in plain text, or in base64 exactly between two groups.
//
// # What becomes of what
//
// From and Sender, To, Cc and Bcc, Reply-To and receipt requests become one-off addresses. The subject is split in prefix
// and rest. The newest Received field is the delivery time, or else Date is. What was imported is read, unless Status or
// X-Mozilla-Status say otherwise. Fields with X- and some others become strings in PS_INTERNET_HEADERS under their name in
// lower case; the whole header is PidTagTransportMessageHeaders.
//
// The body is the first part that qualifies: of alternatives the HTML, as bytes in its code page, and the plain text beside
// it, the lines of format=flowed joined. Texts with a file name, and texts over 32 MiB, are attachments, and so is every other part:
// nothing is dropped but what stands before, between and after the delimiters. Pictures that the HTML shows are hidden attachments.
// Messages in messages are embedded items, to a depth of mapi.MaxDepth; deeper ones are files.
//
// TNEF (winmail.dat, package oxtnef) becomes part of the item: its properties win, but for the sender, the recipients, the times and
// what else the header knows better. It stays a file if it is damaged, or of another message. A calendar that invites to a meeting,
// cancels or answers one (text/calendar, package oxcical) makes the item one of IPM.Schedule.Meeting; others stay files.
//
// A multipart/signed with an S/MIME signature becomes IPM.Note.SMIME.MultipartSigned with all of it, byte for byte, as one
// attachment ([MS-OXOSMIME]), application/pkcs7-mime becomes IPM.Note.SMIME; reports become REPORT.IPM.Note.NDR and the
// like with the recipients that they are about.
//
// # How it writes
//
// A message is a multipart/alternative of plain text, HTML and, of meetings and appointments, a calendar, in a multipart/related with
// the pictures that the HTML shows, in a multipart/mixed with the files; each only where there is more than one thing in it. HTML comes
// from PidTagHtml or out of PidTagRtfCompressed (package oxrtfex); RTF that encapsulates no HTML becomes text, and HTML with bold,
// italic and underlined text. Texts keep the code page of the item where it has all characters and a name that others understand as
// well, else they are UTF-8. What is written is ASCII in lines that end in CR LF, but for signed messages, which are written as they
// came, and addresses that hold other characters. Contacts have their card (package oxvcard) as a file. Reports have their
// machine-readable part as it came, or a new one. Addresses that aren't SMTP are encapsulated (IMCEAEX-...).
//
// Attachments are read while they are written; bodies are held in memory. [WriteOptions.Sending] leaves out what recipients must not
// see.
//
// # What doesn't become a message
//
// All that MAPI has no header or part for, such as most named properties: a message has no TNEF. Fields of
// PidTagTransportMessageHeaders that no property stands for (the way that a message came, Received) aren't written again. Hidden
// attachments that the HTML doesn't show are to be seen; exceptions of a series are events of its calendar, without a text of their
// own; of an OLE object its storage is written.
//
// # What isn't read
//
// text/enriched as RTF; several texts are not joined to one body, the later ones are attachments; Macintosh files (AppleDouble,
// BinHex) are not put together; message/partial and message/external-body stay files, and so do cards; diagnostic codes of reports;
// rights-managed messages; unified messaging fields, X-Microsoft-Classification, Content-Language as a locale and spam levels are kept
// as named strings only; PidTagBody is not made of HTML.
package mime
