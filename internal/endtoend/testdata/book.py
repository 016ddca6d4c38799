# Lists the address book of a server over RPC/HTTP, with impacket: book.py URL SERVER HTTP-AUTH RPC-LEVEL USER, the password
# on the standard input. It prints what it found as JSON.
import json
import sys
from impacket.dcerpc.v5 import nspi, transport

url, server, http, level, user = sys.argv[1:]
password = sys.stdin.readline().rstrip("\n")
t = transport.DCERPCTransportFactory("ncacn_http:%s[6004]" % server)
t.set_rpc_proxy_url(url)
t.set_credentials(user, password)
t.set_auth_type(http)
dce = t.get_dce_rpc()
if level != "0":
    dce.set_credentials(user, password)
    dce.set_auth_level(int(level))
dce.connect()
dce.bind(nspi.MSRPC_UUID_NSPI)
NAME, MAIL, DN = 0x3001001F, 0x39FE001F, 0x3003001F

def rows(resp):
    return [{("%08X" % tag): value for tag, value in row.items()} for row in nspi.simplifyPropertyRowSet(resp["ppRows"])]

found = {}
h = nspi.hNspiBind(dce)["contextHandle"]
found["containers"] = len(nspi.simplifyPropertyRowSet(nspi.hNspiGetSpecialTable(dce, h)["ppRows"]))
people, at = [], nspi.hNspiUpdateStat(dce, h, nspi.STAT())["pStat"]
while True:  # three at a time, as a long list would be read in pieces
    resp = nspi.hNspiQueryRows(dce, h, pStat=at, Count=3, pPropTags=[NAME, MAIL])
    people += rows(resp)
    at = resp["pStat"]
    if at["CurrentRec"] == 2:  # MID_END_OF_TABLE
        break
found["people"] = people
resp = nspi.hNspiResolveNamesW(dce, h, pPropTags=[NAME, MAIL, DN], paStr=["Böb"])
found["resolved"] = rows(resp)
mid = nspi.hNspiDNToMId(dce, h, [found["resolved"][0]["%08X" % DN].rstrip("\0")])["ppOutMIds"]["aulPropTag"][0]["Data"]
found["one"] = rows(nspi.hNspiQueryRows(dce, h, Count=1, pPropTags=[NAME], lpETable=[mid]))
found["unbound"] = nspi.hNspiUnbind(dce, h)["ErrorCode"]
dce.disconnect()
print(json.dumps(found, default=str, ensure_ascii=False))
