' Clients with early binding: C++'s #import <cdo.dll>, makepy, VB6 with a reference.
' They need the type library and are no scripts. A script can see that the library is registered with its id and version 1.21, which
' the registry writes in hexadecimal; comserver's and opencdo-com's tests read it, and call the interfaces by their numbers.
Option Explicit
Dim objSession, server, checks, objShell, strLib, objFolder, objOwn
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set objShell = CreateObject("WScript.Shell")
Show "CLSID", objShell.RegRead("HKCR\MAPI.Session\CLSID\")
Show "ProgID", objShell.RegRead("HKCR\CLSID\" & objShell.RegRead("HKCR\MAPI.Session\CLSID\") & "\ProgID\")
strLib = objShell.RegRead("HKCR\CLSID\" & objShell.RegRead("HKCR\MAPI.Session\CLSID\") & "\TypeLib\")
Show "LIBID", strLib
Show "Library", objShell.RegRead("HKCR\TypeLib\" & strLib & "\1.15\")
Show "TypeName", TypeName(objSession)
Set objFolder = objSession.Inbox
Show "TypeName of a folder", TypeName(objFolder)
Show "TypeName of a collection", TypeName(objFolder.Messages)
Set objOwn = CreateObject("OpenCDO.Session")
Show "The other name", objOwn.Class
objSession.Logoff
WScript.Echo checks & " checks"
