package backup

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

func prop(t mapi.Tag, v mapi.Value) mapi.Prop { return mapi.Prop{Key: mapi.TagKey(t), Value: v} }

// mailSet describes a mailbox of generated mail: each message is unlike all others, attachments are taken from a few files.
type mailSet struct {
	Messages, Folders, Files int
	MaxFile                  int
}

// standardSet is the set on which backup programs are compared, divided: 20,000 messages in 40 folders, body words
// log-normal with a median of 180, 30 % with one of 400 files, log-normal with a median of 80 KB and at most 4 MB.
func standardSet(part int) mailSet { return mailSet{20_000 / part, 40, 400 / part, 4 << 20} }

// random is the seeded source of everything generated under a name.
func random(name string, n int) *rand.ChaCha8 {
	var seed [32]byte
	copy(seed[:], fmt.Sprintf("%s %d", name, n))
	return rand.NewChaCha8(seed)
}

// file is the content of the nth file.
func (m mailSet) file(n int) []byte {
	c := random("file", n)
	size := math.Exp(math.Log(80_000) + rand.New(c).NormFloat64())
	b := make([]byte, int(min(size, float64(m.MaxFile))))
	c.Read(b)
	return b
}

var vocabulary = func() []string {
	r := rand.New(random("vocabulary", 0))
	words := make([]string, 5000)
	for i := range words {
		b := make([]byte, 2+r.IntN(9))
		for j := range b {
			b[j] = "etaoinshrdlucmfwypvbgkqjxz"[int(26*math.Pow(r.Float64(), 2))]
		}
		words[i] = string(b)
	}
	return words
}()

// message is the nth message.
func (m mailSet) message(n int) *mapi.Item {
	r := rand.New(random("message", n))
	words := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = vocabulary[r.IntN(len(vocabulary))]
		}
		return strings.Join(list, " ")
	}
	at := mapi.NewFileTime(time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * 37 * time.Minute))
	key := make([]byte, 16)
	random("key", n).Read(key)
	subject, sender := words(2+r.IntN(6)), words(2)
	address := strings.ReplaceAll(sender, " ", ".") + "@example.com"
	it := &mapi.Item{Props: mapi.Props{
		prop(pid.TagMessageClass, "IPM.Note"), prop(pid.TagSubject, subject), prop(pid.TagNormalizedSubject, subject),
		prop(pid.TagSubjectPrefix, ""), prop(pid.TagMessageDeliveryTime, at), prop(pid.TagClientSubmitTime, at),
		prop(pid.TagCreationTime, at), prop(pid.TagLastModificationTime, at), prop(pid.TagMessageFlags, int32(1)),
		prop(pid.TagImportance, int32(1)), prop(pid.TagSearchKey, key), prop(pid.TagSenderName, sender),
		prop(pid.TagSenderEmailAddress, address), prop(pid.TagSenderAddressType, "SMTP"),
		prop(pid.TagInternetMessageId, fmt.Sprintf("<%x@example.com>", key)),
		prop(pid.TagTransportMessageHeaders, fmt.Sprintf("Received: from %x.example.com\r\nMessage-ID: <%x@example.com>\r\nFrom: %s\r\n\r\n", key[:4], key, address)),
		prop(pid.TagBody, words(int(min(math.Exp(math.Log(180)+r.NormFloat64()), 20_000)))),
	}}
	for range 1 + r.IntN(3) {
		to := words(2)
		it.Recipients = append(it.Recipients, mapi.Props{prop(pid.TagRecipientType, int32(1)), prop(pid.TagDisplayName, to),
			prop(pid.TagAddressType, "SMTP"), prop(pid.TagEmailAddress, strings.ReplaceAll(to, " ", ".")+"@example.com")})
	}
	if m.Files > 0 && r.IntN(10) < 3 {
		n := r.IntN(m.Files)
		it.Attachments = []*mapi.Attachment{{Props: mapi.Props{prop(pid.TagAttachMethod, int32(1)),
			prop(pid.TagAttachLongFilename, fmt.Sprintf("file %d.bin", n)), prop(pid.TagAttachDataBinary, m.file(n))}}}
	}
	return it
}

// mailbox makes the mailbox.
func (m mailSet) mailbox(t testing.TB) *memstore.Store {
	t.Helper()
	s := memstore.New(memstore.Config{})
	top := folder(t, s, mapi.RoleIPM)
	for i := range m.Folders {
		f, err := top.CreateFolder(t.Context(), fmt.Sprintf("Folder %02d", i), mapi.Props{prop(pid.TagContainerClass, "IPF.Note")})
		if err != nil {
			t.Fatal(err)
		}
		for n := i; n < m.Messages; n += m.Folders {
			write(t, f, mapi.Normal, m.message(n))
		}
	}
	return s
}

// pathological are items at the edges of what formats can hold.
func pathological() map[string]*mapi.Item {
	t8 := func(t mapi.Tag) mapi.Tag { return t.WithType(mapi.TypeString8) }
	many := &mapi.Item{Props: mapi.Props{prop(pid.TagMessageClass, "IPM.Note"), prop(pid.TagSubject, "3,000 of each")}}
	for i := range 3000 {
		many.Recipients = append(many.Recipients, mapi.Props{prop(pid.TagRecipientType, int32(1)), prop(pid.TagDisplayName, fmt.Sprint("Reader ", i))})
		many.Attachments = append(many.Attachments, &mapi.Attachment{Props: mapi.Props{prop(pid.TagAttachMethod, int32(1)),
			prop(pid.TagAttachNumber, int32(i)), prop(pid.TagAttachDataBinary, fmt.Append(nil, "file ", i))}})
	}
	deep := &mapi.Item{Props: mapi.Props{prop(pid.TagMessageClass, "IPM.Note"), prop(pid.TagSubject, "level 10")}}
	for i := 9; i >= 0; i-- {
		deep = &mapi.Item{
			Props: mapi.Props{prop(pid.TagMessageClass, "IPM.Note"), prop(pid.TagSubject, fmt.Sprint("level ", i))},
			Attachments: []*mapi.Attachment{
				{Props: mapi.Props{prop(pid.TagAttachMethod, int32(1)), prop(pid.TagAttachDataBinary, make([]byte, 10_000+i))}},
				{Props: mapi.Props{prop(pid.TagAttachMethod, int32(5))}, Embedded: deep},
			},
		}
	}
	big := make([]byte, 20<<20)
	random("big", 0).Read(big)
	return map[string]*mapi.Item{
		"many": many,
		"deep": deep,
		"8-bit only": {Props: mapi.Props{prop(t8(pid.TagMessageClass), mapi.String8("IPM.Note")),
			prop(t8(pid.TagSubject), mapi.String8("Gr\xFC\xDFe")), prop(t8(pid.TagBody), mapi.String8(strings.Repeat("\xE4", 100_000)))}},
		"rare types": {Props: mapi.Props{prop(pid.TagMessageClass, "IPM.Note"),
			prop(0x6A0000FD, mapi.Opaque("restriction")), prop(0x6A0100FE, mapi.Opaque("action")),
			prop(0x6A0200FB, mapi.ServerID("server id")), prop(0x6A03000A, mapi.ErrNotFound)}},
		"large": {Props: mapi.Props{prop(pid.TagMessageClass, "IPM.Note"), prop(pid.TagSubject, "large")},
			Attachments: []*mapi.Attachment{{Props: mapi.Props{prop(pid.TagAttachMethod, int32(1)), prop(pid.TagAttachDataBinary, big)}}}},
		"nothing at all":    {},
		"no time, no class": {Props: mapi.Props{prop(pid.TagSubject, "\x00\x01 / : * half \xED\xA0\xBD")}},
	}
}
