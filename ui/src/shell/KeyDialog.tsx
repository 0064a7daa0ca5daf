import { useEffect, useRef, useState } from "react";
import type { Question } from "../api/credential";
import { messageOf } from "../api/explain";
import { Modal } from "../common/Modal";
import { beginSignIn } from "../signin/begin";
import { askProvider, type Provider } from "../signin/provider";
import { useServices } from "./services";

/** Asks who one is: by signing in where the server has a provider for that, or by an API key. */
export default function KeyDialog({ question }: { question: Question }) {
  const { credential } = useServices();
  const [provider, setProvider] = useState<Provider | null | undefined>(undefined);
  const [problem, setProblem] = useState<string | null>(null);
  const [typed, setTyped] = useState("");
  const button = useRef<HTMLButtonElement>(null);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    let watching = true;
    void askProvider(window.fetch.bind(window), window.location.origin).then(
      (found) => watching && setProvider(found),
    );
    return () => {
      watching = false;
    };
  }, []);
  // The first thing to do, once it is known what that is.
  useEffect(() => {
    if (provider !== undefined) {
      (button.current ?? input.current)?.focus();
    }
  }, [provider]);
  const signIn = async (at: Provider) => {
    setProblem(null);
    try {
      window.location.assign(await beginSignIn(at, window.location, window.sessionStorage));
    } catch (error) {
      setProblem(messageOf(error));
    }
  };
  const failed = problem ?? (question.code === null ? question.message : null);
  return (
    <Modal title={provider ? "Sign in" : "API key"} onClose={() => credential.give(null)}>
      <div className="modal-body">
        {failed !== null && (
          <p className="form-error" role="alert">
            <strong>Signing in failed:</strong> {failed}.
          </p>
        )}
        {question.code !== null && <p>{reasonOf(question)}</p>}
        {provider === undefined && (
          <p className="hint" role="status">
            Asking how to sign in…
          </p>
        )}
        {provider && (
          <>
            <div className="modal-actions is-start">
              <button
                ref={button}
                type="button"
                className="button button-primary"
                onClick={() => void signIn(provider)}
              >
                {failed === null ? "Sign in" : "Try again"}
              </button>
            </div>
            <p className="hint">
              At <strong>{hostOf(provider.authorizationEndpoint)}</strong>, which brings you back to
              what you look at.
            </p>
          </>
        )}
        {provider !== undefined && (
          <form
            className="key-form"
            onSubmit={(event) => {
              event.preventDefault();
              credential.give(typed.trim());
            }}
          >
            <label className="form-row">
              <span>{provider ? "Or use an API key" : "Key"}</span>
              <input
                ref={input}
                className="input"
                type="password"
                autoComplete="off"
                value={typed}
                onChange={(event) => setTyped(event.target.value)}
              />
            </label>
            <p className="hint">
              {provider ? "Either" : "It"} is kept until this tab is closed, and sent to this server
              only.
            </p>
            <div className="modal-actions">
              <button
                type="submit"
                className={`button ${provider ? "" : "button-primary"}`}
                disabled={typed.trim() === ""}
              >
                Use this key
              </button>
            </div>
          </form>
        )}
      </div>
    </Modal>
  );
}

function reasonOf({ code, message }: Question): string {
  switch (code) {
    case "missing_api_key":
      return "This server lets in those who say who they are.";
    case "invalid_token":
      return `The server does not take the sign-in, or no longer: ${message}.`;
    case "forbidden":
      return `Not allowed: ${message}.`;
    default:
      return `The server does not take the key: ${message}.`;
  }
}

function hostOf(address: string): string {
  return new URL(address).host;
}
