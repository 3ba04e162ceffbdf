import { Skeleton } from "@mantine/core";
import { Delayed } from "../ui/Delayed.tsx";

/** As tall as what it stands for, so that nothing jumps when that arrives. */
export function SessionPlaceholder() {
  return (
    <Delayed>
      <div aria-busy="true" aria-label="Loading session">
        <Skeleton height={28} width={260} mb={8} />
        <Skeleton height={18} width={180} mb={16} />
        <Skeleton
          style={{ aspectRatio: "16 / 9", height: "auto", maxHeight: "calc(100dvh - 206px)" }}
          radius="lg"
        />
      </div>
    </Delayed>
  );
}
