' Checks of everything that VBScript can ask of an automation server. The last line counts them.
Option Explicit
Dim passed, failed, toy, other, x, item, text, i
passed = 0
failed = 0
WScript.Echo "begins"

Sub Check(name, got, want)
    Dim same
    same = False
    If VarType(got) = VarType(want) Or (IsNumeric(got) And IsNumeric(want)) Then same = (got = want)
    If same Then
        passed = passed + 1
    Else
        failed = failed + 1
        WScript.Echo "FAILED " & name & ": " & TypeName(got) & " " & got & ", not " & TypeName(want) & " " & want
    End If
End Sub

Set toy = CreateObject("Toy.Own")
Check "property", toy.Name, "toy"
toy.Name = "other"
Check "property put", toy.Name, "other"
Check "case of names", TOY.NAME, "other"
x = toy
Check "default member", x, "other"
Check "type name", TypeName(toy.Items), "ToyItems"

' Results.
Check "empty", IsEmpty(toy.Value("empty")), True
Check "null", IsNull(toy.Value("null")), True
Check "nothing", toy.Value("nothing") Is Nothing, True
Check "string", Len(toy.Value("string")), 12
Check "long string", Len(toy.Value("long")), 1048576
Check "string with zero", Len(toy.Value("zero")), 3
Check "boolean", toy.Value("bool"), True
Check "long", toy.Value("int"), 70000
Check "huge", toy.Value("huge"), 1099511627776
Check "double", toy.Value("double"), 1.5
Check "currency", toy.Value("currency"), CCur(12.3456)
Check "date", toy.Value("date"), DateSerial(2003, 4, 5) + TimeSerial(6, 7, 8)
Check "date as text", toy.Value("date") = CDate("2003-04-05 06:07:08"), True
Check "old date", Year(toy.Value("old")) & "-" & Month(toy.Value("old")) & "-" & Day(toy.Value("old")) & " " & Hour(toy.Value("old")), "1850-4-5 6"
x = toy.Value("strings")
Check "array", UBound(x) & x(0) & x(1), "1ab"
x = toy.Value("numbers")
Check "array of longs", x(0) + x(1) + x(2), 6
Check "empty array", UBound(toy.Value("none")), -1
x = toy.Value("nested")
Check "nested array", x(1)(0), "x"
Check "array of bytes", VarType(toy.Value("bytes")), 8192 + 17

' Arguments.
Check "no argument", toy.TypeOf(), "Missing"
Check "empty argument", toy.TypeOf(Empty), "nil"
Check "null argument", toy.TypeOf(Null), "Null"
Check "nothing argument", toy.TypeOf(Nothing), "Nothing"
Check "integer argument", toy.TypeOf(7), "int16(7)"
Check "long argument", toy.TypeOf(70000), "int32(70000)"
Check "byte argument", toy.TypeOf(CByte(7)), "uint8(7)"
Check "double argument", toy.TypeOf(1.5), "float64(1.5)"
Check "single argument", toy.TypeOf(CSng(1.5)), "float32(1.5)"
Check "currency argument", toy.TypeOf(CCur(1.5)), "comserver.Currency(1.5)"
Check "string argument", toy.TypeOf("a" & Chr(0) & "b"), "string(a" & Chr(0) & "b)"
Check "boolean argument", toy.TypeOf(True), "bool(true)"
Check "date argument", toy.TypeOf(#4/5/2003 6:07:08 AM#), "2003-04-05 06:07:08"
Check "array argument", toy.TypeOf(Array(1, "x", True)), "[int16(1) string(x) bool(true)]"
x = "variable"
Check "argument by reference", toy.TypeOf(x), "string(variable)"
x = Array(1, 2)
Check "array by reference", toy.TypeOf(x), "[int16(1) int16(2)]"
Check "array element by reference", toy.TypeOf(x(1)), "int16(2)"
Check "byte array there and back", toy.TypeOf(toy.Value("bytes")), "[]uint8([1 2 255])"
Check "object of another server", toy.TypeOf(CreateObject("Scripting.Dictionary")), "comserver.Foreign({})"
Check "arguments left out", toy.Join("a", , "c"), "a|Missing|c"
Check "arguments left out at the end", toy.Join("a"), "a|Missing|Missing"
toy.When = #12/31/1999 11:59:59 PM#
Check "date put", toy.When, #12/31/1999 11:59:59 PM#
Check "later date", toy.When < Now, True

' Objects.
Check "same object", toy.Self Is toy, True
Check "passed object", toy.Same(toy), True
Check "passed as variable", toy.TypeOf(toy.Items), "ToyItems"
Set toy.Other = toy.Items
Check "put of an object", toy.Other.Count, 3
Set toy.Other = Nothing
Check "put of nothing", toy.Other Is Nothing, True
Set other = CreateObject("Toy.Original")
Check "second object", toy.Same(other), False
Set other = Nothing

' Collections.
Check "count", toy.Items.Count, 3
Check "item", toy.Items.Item(2).Value, "item 2"
Check "default item", toy.Items(2).Value, "item 2"
x = toy.Items(2)
Check "default of the default", x, "item 2"
toy.Items(2) = "new"
Check "put through defaults", toy.Items(2).Value, "new"
toy.Items(2).Value = "item 2"
text = ""
For Each item In toy.Items
    text = text & item.Value & ";"
Next
Check "For Each", text, "item 1;item 2;item 3;"
text = ""
For Each item In toy.Items
    text = text & item
    Exit For
Next
Check "For Each with an exit", text, "item 1"
text = ""
For Each item In toy.Items
    For Each x In toy.Items
        text = text & Right(x, 1)
    Next
Next
Check "For Each in For Each", text, "123123123"

' Errors.
On Error Resume Next
toy.Fail &H8004010F, "[Toy - [NOT_FOUND(8004010F)]]"
Check "error number", Err.Number, &H8004010F
Check "error description", Err.Description, "[Toy - [NOT_FOUND(8004010F)]]"
Check "error source", Err.Source, "Toy source"
Err.Clear
toy.Fail 1275, "cancelled"
Check "small error number", Err.Number, 1275
Check "own source", Err.Source, "a warning"
Err.Clear
toy.Fail "x"
Check "error without number", Err.Number, &H80004005
Check "its text", Err.Description, "without a number"
Err.Clear
toy.Panic
Check "panic", Err.Number, &H80004005
Check "panic text", Err.Description, "internal error in _Toy member 6: toy panic"
Err.Clear
Check "after the panic", toy.Name, "other"
x = toy.NoSuchMember
Check "unknown member", Err.Number, 438
Err.Clear
toy.Value 1
Check "wrong type", Err.Number, 13
Err.Clear
toy.Join
Check "argument missing", Err.Number, 449
Err.Clear
toy.Join 1, 2, 3, 4
Check "too many arguments", Err.Number, 450
Err.Clear
x = toy.Value("struct")
Check "value without a type", Err.Number, &H80004005
Err.Clear
For Each x In toy
Next
Check "For Each over no collection", Err.Number <> 0, True
Err.Clear
On Error GoTo 0

WScript.Echo passed & " passed, " & failed & " failed"
