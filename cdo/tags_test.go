package cdo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/opencdo/opencdo/mapi"
)

// The constants come from the type library's list, the names behind PropTag from the list of well-known properties: each is
// checked against the other.
func TestPropTagKnowsEveryConstant(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "tags_gen.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			want, err := strconv.ParseUint(v.Values[0].(*ast.BasicLit).Value, 0, 32)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := PropTag(v.Names[0].Name); !ok || got != mapi.Tag(want) {
				t.Errorf("%s is 0x%08X, PropTag says %v, %v", v.Names[0].Name, want, got, ok)
			}
			n++
		}
	}
	if n != 453 { // 442 tags and 11 aliases
		t.Errorf("%d constants", n)
	}
}

func TestPropTag(t *testing.T) {
	for name, want := range map[string]mapi.Tag{
		"CdoPR_SUBJECT": 0x0037001E, "CdoPR_SUBJECT_A": 0x0037001E, "CdoPR_SUBJECT_W": 0x0037001F, "ActMsgPR_SUBJECT_W": 0x0037001F,
		"ActMsgPR_MESSAGE_FLAGS": 0x0E070003, "CdoPR_CHILDRENS_NAMES": 0x3A58101E, "CdoPR_CHILDRENS_NAMES_W": 0x3A58101F,
		"CdoPR_ORIGINAL_SENT_REPRESENTING_EMAIL_ADDRESS_W": 0x0069001E,
		"PR_SUBJECT": 0, "CdoPR_NO_SUCH_THING": 0, "SUBJECT": 0, "CdoPR_": 0,
	} {
		if got, ok := PropTag(name); got != want || ok != (want != 0) {
			t.Errorf("PropTag(%q) = %v, %v", name, got, ok)
		}
	}
}
