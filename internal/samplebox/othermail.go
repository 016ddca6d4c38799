package samplebox

import (
	"fmt"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// retitle makes a mail of a conversation one that stands alone, from somebody else.
func (m *maker) retitle(it *mapi.Item, t *text, prefix, topic string, from person) {
	c := *t.conversation
	c.topic, c.guid = topic, mapi.GUID(randomBytes(m.r, 16))
	c.start = t.at
	t.conversation, t.depth, t.author, t.quoted, t.signature = &c, 0, from, nil, m.signature(from)
	for _, tag := range []mapi.Tag{pid.TagInReplyToId, pid.TagInternetReferences, pid.TagLastVerbExecuted, pid.TagLastVerbExecutionTime, pid.TagIconIndex} {
		it.Props.Delete(mapi.TagKey(tag))
	}
	set(&it.Props, pid.TagSubject, prefix+topic, pid.TagSubjectPrefix, prefix, pid.TagNormalizedSubject, topic, pid.TagConversationTopic, topic,
		pid.TagConversationIndex, m.threadIndex(&c, 0), pid.TagInternetMessageId, t.id())
	m.from(it, from, from)
	set(&it.Props, pid.TagTransportMessageHeaders, m.headers(it, *t))
}

func internetHeader(name string) mapi.Key {
	return mapi.NamedKey(mapi.PropName{Set: mapi.PSInternetHeaders, Name: name}, mapi.TypeString)
}

// newsletter is mail to a list.
func newsletter(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note")
	_, week := t.at.ISOWeek()
	m.retitle(it, &t, "", fmt.Sprintf("Contoso News %d/%d 🗞️", week, t.at.Year()), person{display: "Contoso News", address: "news@lists." + domain, company: company, lang: &english})
	s.Path = nil
	m.setHTML(it, t)
	set(&it.Props, pid.TagListUnsubscribe, "<mailto:leave@lists."+domain+">", pid.TagListHelp, "<https://lists."+domain+"/help>",
		pid.TagListSubscribe, "<mailto:join@lists."+domain+">", pid.TagAutoResponseSuppress, int32(-1), internetHeader("x-mailer"), "Contoso Lists 2.1",
		internetHeader("list-id"), "Company news <news.lists."+domain+">", internetHeader("precedence"), "bulk")
	return s
}

// spam is what a filter takes out.
var spam = []struct{ subject, text string }{
	{"💰 You have been chosen!!!", "You are one of three lucky winners. To receive your prize, reply with your full name and the number of your account."},
	{"Cheap flow meters, best price", "Dear sir, we are leading manufacturer of all kind flow meters. Best price, fast shipping, 99 % quality. Ask for catalogue."},
	{"Ihr Konto wurde gesperrt", "Aus Sicherheitsgründen wurde Ihr Konto gesperrt. Bitte bestätigen Sie Ihre Zugangsdaten innerhalb von 24 Stunden."},
	{"Срочно: выигрыш 1 000 000 €", "Поздравляем! Ваш адрес выиграл в лотерее. Чтобы получить выигрыш, ответьте на это письмо сегодня."},
	{"尊敬的客户，请立即确认", "您的邮箱即将停用，请立即确认您的密码。"},
	{"Your invoice is overdue", "Please find the link to your unpaid invoice. Legal steps follow if you don't pay today."},
}

func junkMail(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note")
	s.Role, s.Path = mapi.RoleJunk, nil
	bait := pick(m.r, spam)
	from := person{display: pick(m.r, []string{"Lucky Draw", "Support", "Prize Office", "服务中心"}), address: fmt.Sprintf("win%04d@lottery.test", m.r.IntN(10000)),
		company: "Lottery", lang: &english}
	m.retitle(it, &t, "", bait.subject, from)
	t.greeting, t.paragraphs, t.closing = "Dear customer,", []string{bait.text}, "Hurry!"
	set(&it.Props, pid.TagMessageFlags, int32(flagInternet), pid.TagContentFilterSpamConfidenceLevel, int32(5+m.r.IntN(5)), pid.TagSenderIdStatus, int32(4),
		pid.TagPurportedSenderDomain, "lottery.test")
	m.setHTML(it, t)
	return s
}

// signedMail is S/MIME: the MIME form of the mail is its only attachment ([MS-OXOSMIME] 2.1.1).
func signedMail(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note.SMIME.MultipartSigned")
	data := "Content-Type: multipart/signed; micalg=sha-256; protocol=\"application/pkcs7-signature\"; boundary=\"b1\"\r\n\r\n--b1\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" +
		t.plain() + "\r\n--b1\r\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\nContent-Transfer-Encoding: base64\r\n\r\nMIAGCSqGSIb3DQEHAqCAMIACAQExDzANBglghkgBZQMEAgEFADCABgkqhkiG9w0BBwEAADEAAAAA\r\nAAA=\r\n--b1--\r\n"
	it.Attachments = append(it.Attachments, file("smime.p7m", "multipart/signed", []byte(data), t.at))
	set(&it.Props, pid.TagBody, "", pid.TagNativeBody, nativePlain)
	return s
}

// voicemail is a recording of a call ([MS-OXOUM] 2.2.1).
func voicemail(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note.Microsoft.Voicemail.UM.CA")
	seconds := 3 + m.r.IntN(5)
	name := fmt.Sprintf("Call from %s (%d seconds).wav", t.author.display, seconds)
	it.Attachments = append(it.Attachments, file(name, "audio/wav", tone(m.r, seconds), t.at))
	m.retitle(it, &t, "", fmt.Sprintf("Voice mail (%d seconds)", seconds), t.author)
	set(&it.Props, pid.TagSenderTelephoneNumber, m.phone(), pid.TagVoiceMessageDuration, int32(seconds), pid.TagVoiceMessageSenderName, t.author.display,
		pid.TagVoiceMessageAttachmentOrder, name, pid.TagBody, "You received a voice message from "+t.author.display+".\r\n", pid.TagNativeBody, nativePlain)
	return s
}

// absence is an automatic reply of somebody who is away.
func absence(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note.Rules.OofTemplate.Microsoft")
	prefix := "Automatic reply: "
	if t.lang == &german {
		prefix = "Automatische Antwort: "
	}
	m.retitle(it, &t, prefix, t.topic, t.author)
	set(&it.Props, pid.TagAutoResponseSuppress, int32(-1))
	m.setHTML(it, t)
	return s
}

// post is written into a folder ([MS-OXOPOST] 2.2.1).
func post(m *maker) Sample {
	s, it, t := m.inbox("IPM.Post")
	s.Path = []string{"Projects", t.project}
	it.Recipients = nil
	it.Props.Delete(mapi.TagKey(pid.TagTransportMessageHeaders))
	set(&it.Props, pid.TagDisplayTo, "", pid.TagDisplayCc, "", pid.TagDisplayBcc, "", pid.TagIconIndex, int32(1), pid.TagMessageFlags, int32(flagRead))
	m.setPlain(it, t)
	return s
}

// testRecords is the property set of a program of the company, which keeps its results in mail.
var testRecords = mapi.MustGUID("6f2a41c7-93d5-4e8b-a6c0-5b71e49d0a38")

// recordMail has properties of a program's own, named by string and by number, of each type that a store can hold.
func recordMail(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note.Contoso.TestRecord")
	m.setPlain(it, t)
	r := m.r
	at := ft(t.at)
	guid := func() mapi.GUID { return mapi.GUID(randomBytes(r, 16)) }
	lid := uint32(0x9100)
	add := func(name string, kind mapi.Type, v mapi.Value) {
		lid++
		n := mapi.PropName{Set: testRecords, LID: lid}
		if name != "" {
			n = mapi.PropName{Set: testRecords, Name: name}
		}
		it.Props.Set(mapi.NamedKey(n, kind), v)
	}
	multi := func(t mapi.Type) mapi.Type { return t | mapi.MultiValue }
	add("Bench", mapi.TypeInt16, int16(1+r.IntN(7)))
	add("Serial number", mapi.TypeInt32, int32(r.Uint32()))
	add("Pulses", mapi.TypeInt64, int64(r.Uint64()))
	add("", mapi.TypeFloat32, float32(r.NormFloat64()))
	add("Deviation", mapi.TypeFloat64, r.NormFloat64())
	add("Price", mapi.TypeCurrency, mapi.Currency(r.IntN(1e9)))
	add("Next calibration", mapi.TypeAppTime, mapi.AppTime(45000+r.Float64()*1000))
	add("Passed", mapi.TypeBool, chance(r, 2))
	add("Prüfer", mapi.TypeString, t.author.display)
	add("", mapi.TypeTime, at)
	add("Device", mapi.TypeGUID, guid())
	add("Curve", mapi.TypeBinary, randomBytes(r, 40+r.IntN(400)))
	add("Channels", multi(mapi.TypeInt16), []int16{1, 2, int16(r.IntN(99))})
	add("", multi(mapi.TypeInt32), []int32{-1, 0, int32(r.IntN(1e6))})
	add("Counters", multi(mapi.TypeInt64), []int64{0, -1 << 62, r.Int64()})
	add("Temperatures", multi(mapi.TypeFloat32), []float32{20.5, 21, float32(r.Float64())})
	add("", multi(mapi.TypeFloat64), []float64{r.Float64(), r.NormFloat64()})
	add("Costs", multi(mapi.TypeCurrency), []mapi.Currency{10000, mapi.Currency(r.IntN(1e8))})
	add("Dates", multi(mapi.TypeAppTime), []mapi.AppTime{45000, 45001.25})
	add("測定者", multi(mapi.TypeString), []string{t.author.display, "", "測定 ✓"})
	add("", multi(mapi.TypeTime), []mapi.FileTime{at, at + 36e9})
	add("Devices", multi(mapi.TypeGUID), []mapi.GUID{guid(), guid()})
	add("Curves", multi(mapi.TypeBinary), [][]byte{randomBytes(r, 12), {}, randomBytes(r, 300)})
	it.Props.Set(mapi.NamedKey(mapi.PropName{Set: mapi.PSPublicStrings, Name: "Cost centre"}, mapi.TypeString), fmt.Sprint(4000+r.IntN(900)))
	return s
}
