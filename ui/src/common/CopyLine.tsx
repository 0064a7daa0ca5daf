import { useServices } from "../shell/services";
import { copyText } from "./clipboard";
import { IconButton } from "./IconButton";
import { Shown } from "./Shown";

/** A line for the shell, and a button that copies it. */
export function CopyLine({ text }: { text: string }) {
  const { announcer } = useServices();
  return (
    <div className="copy-line">
      <code>
        <Shown text={text} />
      </code>
      <IconButton
        icon="copy"
        label="Copy the command"
        onClick={async () =>
          announcer.say(
            (await copyText(text)) ? "Copied the command" : "The browser did not let it be copied",
          )
        }
      />
    </div>
  );
}
