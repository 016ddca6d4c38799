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
	name := propText(&it.Props, pid.TagDisplayName)
	if name == "" {
		name = "contact"
	}
	n := file("text/vcard; charset=utf-8", mapi.MemBlob(card)) // as a file: some programs change the line ends of text
	n.disposition("attachment", name+".vcf", &mapi.Props{})
	return n
}
