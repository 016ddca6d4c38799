package mime

import (
	"github.com/opencdo/opencdo/internal/oxvcard"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// vcard is the card of a contact, nil of what is none ([MS-OXVCARD]).
func vcard(it *mapi.Item) *node {
	card, ok := oxvcard.Write(it)
	if !ok {
		return nil
	}
	n := textPart("text/vcard", "utf-8", []byte(card))
	name := propText(&it.Props, pid.TagDisplayName)
	if name == "" {
		name = "contact"
	}
	n.disposition("attachment", name+".vcf", &mapi.Props{})
	return n
}
