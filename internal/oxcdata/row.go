package oxcdata

import (
	"fmt"

	"github.com/opencdo/opencdo/mapi"
)

// PropertyRow is a row of a table over known columns ([MS-OXCDATA] 2.8.1). A cell is the value, a mapi.Code where the
// property could not be given, or nil where it is absent. A cell of a column of unspecified type is a [TypedValue].
type PropertyRow struct {
	Flag   uint8 // 0 standard, 1 flagged; a row with cells missing is encoded flagged whatever this says
	Values []mapi.Value
}

// PropertyRow walks a row over columns.
func (c *Coder) PropertyRow(columns []mapi.Tag, r *PropertyRow) {
	if c.enc {
		if len(r.Values) != len(columns) {
			c.Fail(fmt.Sprintf("row of %d cells over %d columns", len(r.Values), len(columns)))
			return
		}
		if r.Flag == 0 {
			for i, v := range r.Values {
				if missing(columns[i].Type(), v) {
					r.Flag = 1
					break
				}
			}
		}
	}
	c.U8(&r.Flag)
	if r.Flag > 1 {
		c.Fail(fmt.Sprintf("row flag 0x%02x", r.Flag))
		return
	}
	if !c.enc {
		r.Values = make([]mapi.Value, len(columns))
	}
	for i, t := range columns {
		c.cell(t.Type(), r.Flag == 1, &r.Values[i])
		if c.err != nil {
			return
		}
	}
}

func missing(t mapi.Type, v mapi.Value) bool {
	_, isCode := v.(mapi.Code)
	return v == nil && t != mapi.TypeNull || isCode && t != mapi.TypeError
}

// Cell flags of [MS-OXCDATA] 2.11.5.
const (
	cellValue  = 0x00
	cellAbsent = 0x01
	cellError  = 0x0A
)

func (c *Coder) cell(t mapi.Type, flagged bool, v *mapi.Value) {
	open := t == mapi.TypeUnspecified
	var tv TypedValue
	if open && c.enc {
		switch x := (*v).(type) {
		case TypedValue:
			tv = x
		case mapi.Code:
			tv.Type = mapi.TypeError
		}
	}
	if open {
		c.U16((*uint16)(&tv.Type))
	}
	flag := uint8(cellValue)
	if flagged {
		if c.enc {
			if _, isCode := (*v).(mapi.Code); isCode {
				flag = cellError
			} else if missing(t, *v) {
				flag = cellAbsent
			}
		}
		c.U8(&flag)
	}
	switch flag {
	case cellValue:
		if open {
			c.Value(tv.Type, &tv.Value)
			*v = tv
		} else {
			c.Value(t, v)
		}
	case cellAbsent:
		*v = nil
	case cellError:
		code, _ := (*v).(mapi.Code)
		c.Code(&code)
		*v = code
	default:
		c.Fail(fmt.Sprintf("cell flag 0x%02x", flag))
	}
}
