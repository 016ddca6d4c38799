' Find a folder by its name, or make it; rename, copy, move, delete it.
Option Explicit
Dim objSession, server, checks, objRoot, objA, objB
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Function FindFolder(objFolders, strName)
    Dim objFolder
    Set objFolder = objFolders.GetFirst
    Do While Not objFolder Is Nothing
        If objFolder.Name = strName Then
            Set FindFolder = objFolder
            Exit Function
        End If
        Set objFolder = objFolders.GetNext
    Loop
    Set FindFolder = objFolders.Add(strName)
    FindFolder.Update
    Show "Made", strName
End Function
Set objRoot = objSession.InfoStores(1).RootFolder
Set objA = FindFolder(objRoot.Folders, "Customers")
Set objB = FindFolder(objRoot.Folders, "Customers")
Show "The same", objA.IsSameAs(objB)
Show "Parent", objSession.CompareIDs(objA.FolderID, objRoot.ID)
On Error Resume Next
objRoot.Folders.Add "Customers"
Show "Twice", Hex(Err.Number)
Err.Clear
On Error GoTo 0
objB.Name = "Clients"
objB.Update
Show "Renamed", objSession.GetFolder(objA.ID, objA.StoreID).Name
FindFolder(objB.Folders, "North").Messages.Add("x").Update
Set objA = objB.CopyTo(objRoot.ID, , "Copy")
Show "Copy", objA.Name & " " & objA.Folders.Count & " " & objA.Folders(1).Messages.Count
Set objB = objB.MoveTo(objA.ID)
Show "Moved into it", objA.Folders.Count
Set objB = Nothing
objA.Delete
On Error Resume Next
Set objB = objSession.GetFolder("0011")
Show "An ID that is none", Err.Number <> 0
Err.Clear
objSession.Logoff
WScript.Echo checks & " checks"
