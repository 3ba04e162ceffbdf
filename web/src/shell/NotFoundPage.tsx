import { Button } from "@mantine/core";
import { SearchX } from "lucide-react";
import { Link } from "wouter";
import { Notice } from "../ui/Notice.tsx";
import { useTitle } from "../ui/useTitle.ts";

interface Props {
  title?: string;
  text?: string;
}

export function NotFoundPage({
  title = "There is no such page",
  text = "The address may be misspelled, or what it named was moved.",
}: Props) {
  useTitle("Not found");
  return (
    <Notice
      isPage
      title={title}
      icon={<SearchX size={24} />}
      testId="not-found"
      actions={
        <Button component={Link} href="/sessions" variant="default">
          Go to sessions
        </Button>
      }
    >
      <p>{text}</p>
    </Notice>
  );
}
