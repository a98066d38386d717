/** How far long work is, in words. */

export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${n.toLocaleString("en-US")} ${n === 1 ? noun : plural}`;
}

export interface ProgressState {
  done: number;
  total: number;
  elapsedMs: number;
  /** What is counted for the rate, when that is not what the bar shows (records, while the bar shows bytes). */
  counted?: number;
}

/** `42% 12,000 entries, 3,500/s, 5 s left`. */
export function progressText(state: ProgressState, noun: string, plural: string): string {
  const { done, total, elapsedMs } = state;
  const counted = state.counted ?? done;
  const percent = total > 0 ? `${Math.floor((100 * Math.min(done, total)) / total)}% ` : "";
  const seconds = elapsedMs / 1000;
  const rate = seconds > 0 ? `, ${Math.round(counted / seconds).toLocaleString("en-US")}/s` : "";
  const leftSeconds = done > 0 && done < total ? Math.ceil((seconds * (total - done)) / done) : 0;
  const left = leftSeconds > 0 ? `, ${duration(leftSeconds)} left` : "";
  return `${percent}${count(counted, noun, plural)}${rate}${left}`;
}

/** `5 s`, `2 min 05 s`, `1 h 02 min`. */
export function duration(seconds: number): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}
