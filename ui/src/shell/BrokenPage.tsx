/** Instead of a page that broke as a whole. */
export function BrokenPage({ error, onAgain }: { error: unknown; onAgain: () => void }) {
  return (
    <main className="broken-page" role="alert">
      <h1>This page broke</h1>
      <p>
        <code>{String(error)}</code>
      </p>
      <div className="part-failure-actions">
        <button type="button" className="button" onClick={onAgain}>
          Try again
        </button>
        <button
          type="button"
          className="button button-primary"
          onClick={() => window.location.reload()}
        >
          Reload the page
        </button>
        <a href={window.location.pathname}>Start page</a>
      </div>
    </main>
  );
}
