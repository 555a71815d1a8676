/**
 * What Node adds to the library: a device, and files. Import it as `nabla/node`.
 *
 *     import { openDevice } from "nabla/node";
 */
export { type AdapterInfo, type DeviceOptions, type LimitName, type OpenDevice, adapterMemory, openDevice } from "./adapter.ts";
export { EnvironmentError } from "./environment-error.ts";
export { ensureFolder, type OutputFile, readBytes, readText, type WrittenFile, writeFileAtomic, writeFiles } from "./files.ts";
export { type Progress, type ProgressOptions, type ProgressReport, printTime, printValue, progress, sparkline } from "./progress.ts";
export { findSoftwareDriver, type SoftwareDriver, useSoftwareDriver } from "./software.ts";
