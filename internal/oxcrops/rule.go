package oxcrops

import "github.com/opencdo/opencdo/internal/oxcdata"

// Rule ROPs ([MS-OXCROPS] 2.2.11, semantics in [MS-OXORULE]).

// RulesReplace as ModifyRulesFlags makes the rules given all that there are.
const RulesReplace = 0x01

// ModifyRulesRequest is RopModifyRules' request buffer ([MS-OXCROPS] 2.2.11.1.1).
type ModifyRulesRequest struct {
	Head
	In               uint8
	ModifyRulesFlags uint8
	RulesData        []RuleData
}

// RopID implements Request.
func (*ModifyRulesRequest) RopID() uint8 { return RopModifyRules }

func (r *ModifyRulesRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.ModifyRulesFlags)
	oxcdata.List16(c, &r.RulesData, minRowData, ruleData)
}

// GetRulesTableRequest is RopGetRulesTable's request buffer ([MS-OXCROPS] 2.2.11.2.1).
type GetRulesTableRequest struct {
	Head
	In, Out    uint8
	TableFlags uint8
}

// RopID implements Request.
func (*GetRulesTableRequest) RopID() uint8 { return RopGetRulesTable }

func (r *GetRulesTableRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U8(&r.TableFlags)
}

// UpdateDeferredActionMessagesRequest is RopUpdateDeferredActionMessages' request buffer ([MS-OXCROPS] 2.2.11.3.1).
type UpdateDeferredActionMessagesRequest struct {
	Head
	In            uint8
	ServerEntryID []byte
	ClientEntryID []byte
}

// RopID implements Request.
func (*UpdateDeferredActionMessagesRequest) RopID() uint8 { return RopUpdateDeferredActionMessages }

func (r *UpdateDeferredActionMessagesRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bytes16(&r.ServerEntryID)
	c.Bytes16(&r.ClientEntryID)
}
