' Dump all folders of all stores, as deep as they go.
Option Explicit
Dim objSession, objStore, i, server, checks
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Sub DumpFolder(objFolder, depth)
    Dim objFolders, objSub
    Show String(depth * 2, " ") & objFolder.Name, objFolder.Messages.Count & " " & (Len(objFolder.ID) > 0)
    Set objFolders = objFolder.Folders
    Set objSub = objFolders.GetFirst
    While Not objSub Is Nothing
        DumpFolder objSub, depth + 1
        Set objSub = objFolders.GetNext
    Wend
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "bob"
Show "Stores", objSession.InfoStores.Count
For i = 1 To objSession.InfoStores.Count
    Set objStore = objSession.InfoStores.Item(i)
    Show "Store", objStore.Name
    Dim objNew
    Set objNew = objStore.RootFolder.Folders.Add("Projects")
    objNew.Folders.Add "Spring"
    DumpFolder objStore.RootFolder, 0
    objNew.Delete
Next
objSession.Logoff
WScript.Echo checks & " checks"
