package samplebox

// kinds are all kinds of items with their share in each [Block].
var kinds []kind

func init() {
	kinds = []kind{
		{"plain mail", 40, true, plainMail},
		{"HTML mail", 50, true, htmlMail},
		{"HTML mail with pictures", 10, true, picturesMail},
		{"mail with two bodies", 6, true, bothBodiesMail},
		{"RTF mail", 10, true, rtfMail},
		{"HTML in RTF mail", 2, true, htmlInRTFMail},
		{"mail to many", 2, true, mailToMany},
		{"flagged mail", 10, true, flaggedMail},
		{"forwarded mail", 6, true, forwardedMail},
		{"sent plain mail", 20, true, sentPlain},
		{"sent HTML mail", 24, true, sentHTML},
		{"sent RTF mail", 6, true, sentRTF},
		{"draft", 4, true, draft},
		{"deleted mail", 10, true, deletedMail},
	}
}
