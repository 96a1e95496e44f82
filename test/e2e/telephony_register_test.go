package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// registers expects a REGISTER whose Expires is one of those, and grants it for some seconds. A user that is named must have signed it.
func registers(expires, user, password string, grants int) string {
	check := fmt.Sprintf(`
      <ereg regexp="%s" search_in="hdr" header="Expires:" check_it="true" assign_to="expires"/>`, expires)
	deny := ""
	if user != "" {
		check += fmt.Sprintf(`
      <verifyauth assign_to="known" username="%s" password="%s"/>`, user, password)
		deny = `
  <nop condexec="known" condexec_inverse="true"><action><error message="the credentials are wrong"/></action></nop>`
	}
	return `
  <recv request="REGISTER">
    <action>` + check + `
    </action>
  </recv>` + deny + fmt.Sprintf(`
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
[last_Contact:]
Expires: %d
Content-Length: 0

]]></send>`, grants)
}

func TestATrunkKeepsOurRegistration(t *testing.T) {
	t.Parallel()
	Need(t, "sipp")
	s := Start(t, loopbackTrunks)
	port := freePort(t)
	challenge := strings.Replace(strings.Replace(refuses("401 Unauthorized",
		`WWW-Authenticate: Digest realm="trunk.example", nonce="5fe1a9", algorithm=MD5, qop="auth"`), `
  <recv request="ACK"></recv>`, "", 1), ` retrans="500"`, "", 1)
	asked := `
  <recv request="REGISTER"></recv>`
	finished := trunk(t, port, asked, challenge, registers("[1-9][0-9]+", "clinic", "rosebud", 4), registers("[1-9][0-9]+", "", "", 4),
		registers("^ *0", "", "", 0))
	s.Trunk("127.0.0.1", port, JSON{"username": "clinic", "password": "rosebud"})
	s.Wait("we are registered", 20*time.Second, func() bool { return strings.Contains(s.Log(), "registered at trunk") })
	time.Sleep(3500 * time.Millisecond) // three quarters of its life, for the renewal
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	finished()
}
