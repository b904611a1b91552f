package proxy

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"github.com/alexbrainman/sspi"
)

// platformNegotiate lets Windows choose between Kerberos and NTLM.
func (c *Config) platformNegotiate(proxyHost string, cred *Credential) (*mechanism, error) {
	return newSSPI(negotiateScheme, sspi.NEGOSSP_NAME, "HTTP/"+proxyHost, cred)
}

// platformNTLM logs in as the current user.
func platformNTLM() (*mechanism, error) {
	return newSSPI(ntlmScheme, sspi.NTLMSP_NAME, "", nil)
}

// newSSPI works with package sspi alone: its negotiate and ntlm subpackages ask
// the system for a package at start-up, which every run would pay for.
func newSSPI(scheme, pkg, spn string, cred *Credential) (*mechanism, error) {
	s, err := openSSPI(pkg, spn, cred)
	if err != nil {
		return nil, fmt.Errorf("no Windows credentials: %w", err)
	}
	legs := 0
	return &mechanism{scheme: scheme, pinned: true, close: s.close, answer: func(_ context.Context, params []string) (string, error) {
		var in []byte
		if legs++; legs > 1 {
			if in, err = tokenOf(params); err != nil {
				return "", err
			}
		}
		out, err := s.update(in)
		if err != nil {
			return "", fmt.Errorf("windows: %w", err)
		}
		if len(out) == 0 {
			return "", errRefused
		}
		return scheme + " " + base64.StdEncoding.EncodeToString(out), nil
	}}, nil
}

// sspiContext is a login with a security package of Windows.
type sspiContext struct {
	cred   *sspi.Credentials
	ctx    *sspi.Context
	target *uint16
	buffer []byte
	done   bool
}

func openSSPI(pkg, spn string, cred *Credential) (*sspiContext, error) {
	info, err := sspi.QueryPackageInfo(pkg)
	if err != nil {
		return nil, err
	}
	var identity *sspi.SEC_WINNT_AUTH_IDENTITY // nil: the current user
	if cred != nil {
		if identity, err = authIdentity(*cred); err != nil {
			return nil, err
		}
	}
	var target *uint16
	if spn != "" {
		if target, err = syscall.UTF16PtrFromString(spn); err != nil {
			return nil, err
		}
	}
	handle, err := sspi.AcquireCredentials("", pkg, sspi.SECPKG_CRED_OUTBOUND, (*byte)(unsafe.Pointer(identity)))
	if err != nil {
		return nil, err
	}
	return &sspiContext{cred: handle, ctx: sspi.NewClientContext(handle, sspi.ISC_REQ_CONNECTION),
		target: target, buffer: make([]byte, info.MaxToken)}, nil
}

func (s *sspiContext) close() {
	s.ctx.Release()
	s.cred.Release()
}

// update turns the proxy's token, nil for the first, into the next of ours.
func (s *sspiContext) update(in []byte) ([]byte, error) {
	if s.done {
		return nil, errRefused
	}
	var inBuf, outBuf [1]sspi.SecBuffer
	inBuf[0].Set(sspi.SECBUFFER_TOKEN, in)
	outBuf[0].Set(sspi.SECBUFFER_TOKEN, s.buffer)
	out := sspi.NewSecBufferDesc(outBuf[:])
	switch ret := s.ctx.Update(s.target, out, sspi.NewSecBufferDesc(inBuf[:])); ret {
	case sspi.SEC_E_OK:
		s.done = true
	case sspi.SEC_I_COMPLETE_NEEDED, sspi.SEC_I_COMPLETE_AND_CONTINUE:
		if ret := sspi.CompleteAuthToken(s.ctx.Handle, out); ret != sspi.SEC_E_OK {
			return nil, ret
		}
	case sspi.SEC_I_CONTINUE_NEEDED:
	default:
		return nil, ret
	}
	return s.buffer[:outBuf[0].BufferSize], nil
}

func authIdentity(cred Credential) (*sspi.SEC_WINNT_AUTH_IDENTITY, error) {
	domain, user := cred.split()
	var utf16 [3][]uint16
	for i, s := range []string{user, domain, cred.Password} {
		var err error
		if utf16[i], err = syscall.UTF16FromString(s); err != nil {
			return nil, errors.New("user or password holds a zero byte")
		}
	}
	// The lengths leave out the closing zero.
	return &sspi.SEC_WINNT_AUTH_IDENTITY{
		User: &utf16[0][0], UserLength: uint32(len(utf16[0]) - 1),
		Domain: &utf16[1][0], DomainLength: uint32(len(utf16[1]) - 1),
		Password: &utf16[2][0], PasswordLength: uint32(len(utf16[2]) - 1),
		Flags: sspi.SEC_WINNT_AUTH_IDENTITY_UNICODE,
	}, nil
}
