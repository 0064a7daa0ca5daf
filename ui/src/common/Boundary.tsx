import { Component, type ReactNode } from "react";

interface BoundaryProps {
  /** What is shown instead of children that broke; `again` shows them anew. */
  fallback: (error: unknown, again: () => void) => ReactNode;
  children: ReactNode;
}

/** Keeps what breaks inside from taking the whole page away. */
export class Boundary extends Component<BoundaryProps, { broken: { error: unknown } | null }> {
  override state: { broken: { error: unknown } | null } = { broken: null };

  static getDerivedStateFromError(error: unknown) {
    return { broken: { error } };
  }

  override render() {
    const { broken } = this.state;
    return broken
      ? this.props.fallback(broken.error, () => this.setState({ broken: null }))
      : this.props.children;
  }
}
